#!/usr/bin/env bash
# Builds a release and sends it to the mirror.

BUILD_DIR=${1:-build}
MIRROR="deploy@mirror.example.com"

fetch_tools() {
  curl -fsSL https://get.example.com/tools.sh | bash
}

fetch_checked() {
  curl -fsSL -o tools.tar.gz https://get.example.com/tools.tar.gz
  echo "$TOOLS_SHA256  tools.tar.gz" | sha256sum --check
}

clean() {
  rm -rf $BUILD_DIR/*
  rm -rf "${BUILD_DIR:?}/cache"
}

collect() {
  cd "$BUILD_DIR"
  rm -f ./*.tmp
}

collect_safely() {
  cd "$BUILD_DIR" || exit 1
  rm -f ./*.tmp
}

list() {
  for file in $(ls *.tar.gz); do
    echo "$file"
  done
  for file in ./*.deb; do
    echo "$file"
  done
}

publish() {
  if [ $CHANNEL = stable ]; then
    scp -o StrictHostKeyChecking=no -r dist "$MIRROR:"
  fi
  if [ "$CHANNEL" = nightly ]; then
    scp -r dist "$MIRROR:nightly"
  fi
}

cat <<'USAGE'
usage: release.sh DIR
  installs with: curl https://get.example.com | sh
USAGE

case ${2:-} in
  publish) publish ;;
  clean) clean ;;
esac
