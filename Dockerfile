# The probe as a container, for any host: `docker build --tag probe .`. fly.toml runs it on Fly.io.
#
#   docker run --read-only --cap-drop ALL --volume probe_data:/data --env-file .env \
#     --publish 127.0.0.1:9091:9091 probe
#   docker run --rm --read-only --cap-drop ALL --env-file .env probe --once

# Python's minor version and Debian's release are fixed, so that no build moves to another
# Python or C library by itself; the fixes within them come with every build.
FROM python:3.13-slim-trixie AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# What changes seldom comes first: a change of the code alone installs no dependency again.
# Wheels only, because there is no compiler here, and because a wheel runs no code of its own
# while it is installed. The environment is filled from outside, so it needs no pip.
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/probe \
 && pip --python /opt/probe/bin/python install \
      --no-compile --require-hashes --only-binary :all: --requirement requirements.txt

# The build backend is locked with the rest, so nothing is fetched here. It goes when it has
# done its work, and so does PyAV: a call carries no media, probe/call/aiortc_import.py imports aiortc
# without it, and FFmpeg is half of the environment and most of its advisories. What is left is
# compiled by hash, because a layer rounds the times of files: by time, half of the modules would be
# out of date, and each start and each HEALTHCHECK would compile them anew.
COPY pyproject.toml README.md LICENSE ./
COPY probe/ probe/
COPY alerts/ alerts/
COPY dashboards/ dashboards/
RUN pip --python /opt/probe/bin/python install --no-compile --no-deps --no-build-isolation . \
 && pip --python /opt/probe/bin/python uninstall --yes av setuptools \
 && python -m compileall -q -f --invalidation-mode unchecked-hash /opt/probe/lib


FROM python:3.13-slim-trixie

LABEL org.opencontainers.image.title="paircam-probe" \
      org.opencontainers.image.description="A synthetic monitor for WebRTC applications: health, signaling, TURN and calls." \
      org.opencontainers.image.source="https://github.com/paircam/probe" \
      org.opencontainers.image.licenses="MIT"

# The official image comes without compiled modules of the standard library, and nobody could
# write them later: not this user, and not on a read-only root.
RUN python -c "import compileall, py_compile, sysconfig; \
      compileall.compile_dir(sysconfig.get_path('stdlib'), quiet=2, \
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)"

# A fixed uid, so that a volume written by one version can be written by the next.
# /etc/probe is where a probe.toml may be put.
RUN groupadd --gid 10001 probe \
 && useradd --uid 10001 --gid probe --no-create-home --home-dir /data --shell /usr/sbin/nologin probe \
 && install --directory --mode 0700 --owner probe --group probe /data \
 && install --directory /etc/probe

COPY --from=builder /opt/probe /opt/probe

# glibc gives threads heaps of their own, up to eight for each core, and each keeps what it
# once took: two are enough for a process that waits. A fixed threshold for trimming, because
# the default one grows, up to 64 MB, with the largest block ever freed.
ENV PATH=/opt/probe/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    PROBE_LISTEN=[::]:9091 \
    PROBE_DATA=/data \
    TMPDIR=/data

WORKDIR /etc/probe
VOLUME /data
EXPOSE 9091
STOPSIGNAL SIGTERM

# As numbers, because Kubernetes' runAsNonRoot believes no name. Fly.io gives a mounted volume
# to the user that stands here, so no part of this ever runs as root.
USER 10001:10001

# It reads the configuration: other addresses, ports and TLS are asked as they are set.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 \
  CMD ["probe", "healthcheck"]

ENTRYPOINT ["probe"]
