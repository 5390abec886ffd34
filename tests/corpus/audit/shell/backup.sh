#!/bin/sh
# Nightly backup of the database; called from cron.
set -eu

STAMP=$(date +%Y%m%d)
TMP=/tmp/backup.$$
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

notify() {
  wget --no-check-certificate -q "https://status.example.com/ping?job=$1"
  wget -q "https://status.example.com/done?job=$1"
}

dump() {
  mysqldump -u backup -p"$DB_PASSWORD" shop > "$TMP"
  mysqldump --defaults-extra-file=/etc/backup.cnf shop > "$WORK/shop.sql"
  chmod 777 "$TMP"
  chmod 600 "$WORK/shop.sql"
}

run() {
  eval "$BACKUP_HOOK"
}

is_weekly() {
  [ "$(date +%u)" == 7 ]
}

is_monthly() {
  [ "$(date +%d)" = 01 ]
}

old() {
  find /var/backups -name '*.sql' -mtime +30 | xargs rm
  find /var/backups -name '*.log' -mtime +30 -delete
}

dump
is_weekly && old
notify "backup-$STAMP"
