"""Job objects, by way of ctypes. Only imported on Windows."""

import ctypes
import functools
import sys
from ctypes import wintypes
from typing import Final

_EXTENDED_LIMITS: Final = 9  # JobObjectExtendedLimitInformation
_ACCOUNTING: Final = 1  # JobObjectBasicAccountingInformation
_KILL_ON_CLOSE: Final = 0x2000
_SET_QUOTA_AND_TERMINATE: Final = 0x0100 | 0x0001
_TICKS_PER_S: Final = 10_000_000


class _Accounting(ctypes.Structure):
    _fields_ = (
        ("user_time", ctypes.c_int64),
        ("kernel_time", ctypes.c_int64),
        ("period_user_time", ctypes.c_int64),
        ("period_kernel_time", ctypes.c_int64),
        ("page_faults", wintypes.DWORD),
        ("total", wintypes.DWORD),
        ("active", wintypes.DWORD),
        ("terminated", wintypes.DWORD),
    )


class _Limits(ctypes.Structure):
    _fields_ = (
        ("process_time", ctypes.c_int64),
        ("job_time", ctypes.c_int64),
        ("flags", wintypes.DWORD),
        ("min_working_set", ctypes.c_size_t),
        ("max_working_set", ctypes.c_size_t),
        ("active_limit", wintypes.DWORD),
        ("affinity", ctypes.c_size_t),
        ("priority", wintypes.DWORD),
        ("scheduling", wintypes.DWORD),
        ("io", ctypes.c_uint64 * 6),
        ("process_memory", ctypes.c_size_t),
        ("job_memory", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


def _kernel32() -> ctypes.CDLL:
    if sys.platform == "win32":
        return ctypes.WinDLL("kernel32", use_last_error=True)
    raise NotImplementedError("job objects are a thing of Windows")


@functools.cache
def _load() -> ctypes.CDLL:
    kernel = _kernel32()
    kernel.CreateJobObjectW.restype = wintypes.HANDLE
    kernel.CreateJobObjectW.argtypes = (ctypes.c_void_p, wintypes.LPCWSTR)
    kernel.OpenProcess.restype = wintypes.HANDLE
    kernel.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
    kernel.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
    kernel.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
    kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
    about = (wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD)
    kernel.SetInformationJobObject.argtypes = about
    kernel.QueryInformationJobObject.argtypes = (*about, ctypes.c_void_p)
    return kernel


class WindowsJob:
    """One child and all it starts; dies with us."""

    def __init__(self, pid: int) -> None:
        """Make a job of a process that exists. Raises OSError if that is refused."""
        self._kernel = _load()
        self._handle = _checked(self._kernel.CreateJobObjectW(None, None))
        try:
            self._take_in(pid)
        except OSError:
            self.close()
            raise

    def _take_in(self, pid: int) -> None:
        limits = _Limits(flags=_KILL_ON_CLOSE)
        size = ctypes.sizeof(limits)
        _checked(
            self._kernel.SetInformationJobObject(
                self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), size
            )
        )
        process = _checked(self._kernel.OpenProcess(_SET_QUOTA_AND_TERMINATE, False, pid))
        try:
            _checked(self._kernel.AssignProcessToJobObject(self._handle, process))
        finally:
            self._kernel.CloseHandle(process)

    def members(self) -> int:
        """Return how many processes live in it."""
        return int(self._accounting().active)

    def terminate(self) -> None:
        """End them all."""
        self._kernel.TerminateJobObject(self._handle, 1)

    def usage(self) -> tuple[int, float]:
        """Return the peak memory of the largest process, and processor time of all."""
        limits = _Limits()
        self._ask(_EXTENDED_LIMITS, limits)
        times = self._accounting()
        ticks = times.user_time + times.kernel_time
        return int(limits.peak_process_memory), ticks / _TICKS_PER_S

    def close(self) -> None:
        """Let go of it, which ends what is left."""
        self._kernel.CloseHandle(self._handle)

    def _accounting(self) -> _Accounting:
        accounting = _Accounting()
        self._ask(_ACCOUNTING, accounting)
        return accounting

    def _ask(self, what: int, answer: ctypes.Structure) -> None:
        size = ctypes.sizeof(answer)
        _checked(
            self._kernel.QueryInformationJobObject(
                self._handle, what, ctypes.byref(answer), size, None
            )
        )


def _checked(result: int) -> int:
    if not result and sys.platform == "win32":
        raise ctypes.WinError(ctypes.get_last_error())
    return result
