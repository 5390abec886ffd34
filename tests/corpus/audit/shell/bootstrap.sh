#!/bin/bash
set -euo pipefail

config=${XDG_CONFIG_HOME:-$HOME/.config}/agent

version() {
  local tag=$(git describe --tags)
  local short
  short=$(git rev-parse --short HEAD)
  echo "$tag-$short"
}

pass() {
  exec agent $@
}

pass_well() {
  exec agent "$@"
}

read_hosts() {
  while read host; do
    echo "$host"
  done < hosts.txt
  while IFS= read -r host; do
    echo "$host"
  done < hosts.txt
}

check() {
  if [ -n $TOKEN ]; then
    echo "token is set"
  fi
  if [ -n "${TOKEN:-}" ]; then
    echo "token is set"
  fi
}

newer() {
  if [ $1 > $2 ]; then
    echo newer
  fi
  if [ "$1" -gt "$2" ]; then
    echo newer
  fi
}

install() {
  sudo echo "export AGENT=1" > /etc/profile.d/agent.sh
  echo "export AGENT=1" | sudo tee /etc/profile.d/agent.sh > /dev/null
  curl -k -o "$config/ca.pem" https://ca.internal/root.pem
  curl -o "$config/notes" https://notes.internal/today
}
