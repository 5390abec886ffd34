#!/usr/bin/env bash
set -u

dir=$1
user_expr=${2:-true}

trap "rm -f $dir/lock" EXIT
trap 'kill "$worker"' INT

rm -rf "$dir"/
rm -rf "$(mktemp -d)"

password="hunter2-and-more"
password_file=/etc/agent/password

bash -c "test -d $dir && $user_expr"
bash -c 'test -d "$1"' _ "$dir"

while true; do
  [ -e "$dir/ready" ] && break
done

until [ -e "$dir/done" ]; do
  sleep 1
done

ls -l | grep "\.log$" | awk '{print $9}'
