# HSI Studio for several users, behind names and passwords.
#
#   docker build -t hsi-studio .
#   docker run --rm -it hsi-studio password ana >> users.txt        # asks for the password twice, prints name:hash
#   docker run -d --name hsi-studio --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -v hsi-studio:/data -v "$PWD/users.txt:/run/secrets/users:ro" -p 127.0.0.1:7860:7860 hsi-studio
#
# - Not root (user 10001), and no place to write but /data (projects, runs, models, caches: a volume) and /tmp (uploads
#   on their way: give a tmpfs a size with --tmpfs /tmp:size=8g where scenes are large). users.txt must be readable for
#   that user: chmod 644, it holds no passwords, only scrypt hashes.
# - It listens on all addresses of the container, so it asks for a name and password: without /run/secrets/users it does
#   not start. HTTP Basic is readable on the wire: publish the port on 127.0.0.1 only, as above, and put a TLS proxy
#   before it; add `--allow-host NAME` for the name that users type (options after the image's name replace CMD: repeat it).
# - Users open uploads, and files below /data/data. For a folder of scenes: -v /scenes:/data/data:ro.
# - Settings (docs/settings.md) go in with -e, for example -e HSI_STUDIO_MAX_DISK_GB=20.
# - A GPU: build with --build-arg TORCH_INDEX=https://pypi.org/simple and run with --gpus all.

FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml requirements.txt README.md LICENSE CHANGELOG.md ./
COPY hsi_studio hsi_studio
COPY assets assets
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /dist .

FROM python:3.11-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# libexpat1: GDAL in rasterio's wheel takes the system's. No version: Debian keeps only the newest of a release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libexpat1 \
    && rm -rf /var/lib/apt/lists/*
# Before our own files: a change of the program does not install these again.
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --index-url "${TORCH_INDEX}" torch==2.13.0 \
    && pip install --no-cache-dir --requirement /tmp/requirements.txt \
    && rm /tmp/requirements.txt
COPY --from=build /dist /tmp/dist
RUN pip install --no-cache-dir --no-deps /tmp/dist/*.whl \
    && rm -rf /tmp/dist \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin studio \
    && install --directory --owner 10001 --mode 0700 /data

# Everything that a library wants to write goes to /data or /tmp; nothing is asked of a hub.
ENV HSI_STUDIO_HOME=/data \
    HOME=/data \
    XDG_CACHE_HOME=/data/cache/libraries \
    MPLCONFIGDIR=/tmp/matplotlib \
    GRADIO_TEMP_DIR=/tmp/gradio \
    GRADIO_ANALYTICS_ENABLED=False \
    HF_HUB_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 7860

# A plain GET, without a name: 401 says that the server answers and asks for one.
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 7860, timeout=8); c.request('GET', '/'); raise SystemExit(c.getresponse().status not in (200, 401))"]

ENTRYPOINT ["hsi-studio"]
CMD ["--host", "0.0.0.0", "--port", "7860", "--no-browser", "--auth-file", "/run/secrets/users"]
