"""How a model says no, in the languages people ask in."""
# ruff: noqa: RUF001  # other alphabets are the point

import functools
import re
from typing import Final

_HEAD_CHARS: Final = 200  # a refusal says so at once
_APOSTROPHES: Final = str.maketrans({"’": "'", "ʼ": "'", "`": "'"})
_WORDS: Final = (  # languages that part their words
    r"i (?:cannot|can't|can not|am unable|'m unable|am not able|won't be able)",
    r"i'm (?:unable|not able)|i don't have (?:access|permission|the ability)",
    r"i(?:'m| am) sorry,? but i (?:can|won)|as an ai",
    r"ich kann (?:leider |dir |ihnen )*(?:nicht|keine?n?)|ich bin (?:leider )?nicht in der lage",
    r"ich habe (?:leider )?keinen zugriff",
    r"je ne peux pas|je suis (?:désolée?,? mais|dans l'impossibilité)|je n'ai pas accès",
    r"no puedo|no tengo acceso|lo siento,? (?:pero )?no|no me es posible",
    r"não posso|não consigo|não tenho acesso|desculpe,? mas não",
    r"non posso|non sono in grado|non ho accesso|mi dispiace,? ma non",
    r"ik kan (?:helaas )?(?:niet|geen)|ik heb geen toegang",
    r"nie mogę|nie mam dostępu|nie jestem w stanie",
    r"я не могу|у меня нет доступа|к сожалению,? я не",
    r"я не можу|у мене немає доступу",
    r"yapamam|yapamıyorum|erişimim yok|üzgünüm,? ancak",
    r"jag kan (?:tyvärr )?inte|jeg kan (?:desværre |dessverre )?ikke|en voi|nemohu",
)
_SIGNS: Final = (  # languages that do not
    r"我无法|我無法|我不能|抱歉，?我|我沒有權限|我没有权限|對不起，?我",
    r"できません|申し訳(?:ありません|ございません)|アクセスできない",
    r"할 수 없습니다|죄송하지만|접근할 수 없",
)


def reads_like_refusal(answer: str) -> bool:
    """Whether an answer opens as a refusal does. A reason to warn, never to discard."""
    return _refusal().search(answer.strip()[:_HEAD_CHARS].translate(_APOSTROPHES)) is not None


@functools.cache
def _refusal() -> re.Pattern[str]:
    """Compiled when it is needed: this package is imported at start-up."""
    return re.compile(rf"\b(?:{'|'.join(_WORDS)})\b|{'|'.join(_SIGNS)}", re.IGNORECASE)
