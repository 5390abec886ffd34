# aimux in a container:
#   docker build -t aimux .
#   docker run -i --rm -v "$PWD:/workspace" aimux                                   # MCP on stdio
#   docker run -p 8080:8080 -e MCP_TRANSPORT=sse -v "$PWD:/workspace" aimux         # by network
# The CLIs are yours to add, in an image of your own: FROM aimux, USER root, RUN npm install -g …
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE requirements.lock ./
COPY aimux ./aimux
COPY profiles ./profiles
COPY prompts ./prompts
COPY emulators ./emulators
# the locked versions; their hashes cannot stand in constraints
RUN sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\).*/\1/p' requirements.lock > /tmp/constraints.txt \
    && python3 -m venv /opt/aimux \
    && /opt/aimux/bin/pip install --no-cache-dir --disable-pip-version-check \
        -c /tmp/constraints.txt ".[research]" \
    && rm -rf /opt/aimux/bin/pip* /opt/aimux/lib/python3*/site-packages/pip*

FROM ${BASE}
# git: worktrees, diffs and changes that land whole
RUN apt-get update \
    && apt-get install -y --no-install-recommends git ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 aimux \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/aimux/home aimux \
    && mkdir -p /workspace /etc/aimux/config /var/lib/aimux \
    && chown 10001:10001 /workspace \
    && chmod 1777 /var/lib/aimux
COPY --from=build /opt/aimux /opt/aimux
# whoever it runs as makes private directories below /var/lib/aimux; the rest may be read-only
ENV PATH=/opt/aimux/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/var/lib/aimux/home \
    TMPDIR=/var/lib/aimux \
    PYTHONDONTWRITEBYTECODE=1 \
    AIMUX_CONTAINER=1 \
    AIMUX_DAEMON=off \
    AIMUX_CONFIG_DIR=/etc/aimux/config \
    AIMUX_STATE_DIR=/var/lib/aimux/state \
    AIMUX_RUNTIME_DIR=/var/lib/aimux/run \
    AIMUX_CACHE_DIR=/var/lib/aimux/cache
VOLUME /var/lib/aimux
WORKDIR /workspace
USER 10001:10001
EXPOSE 8080
# on stdio the client at the other end is the check
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s \
    CMD case "${MCP_TRANSPORT:-stdio}" in stdio) ;; *) aimux daemon status ;; esac
ENTRYPOINT ["aimux"]
