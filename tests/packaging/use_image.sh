#!/bin/sh
# The image as docs/guide/installing.md says to use it: tests/packaging/use_image.sh IMAGE
set -eu
image=$1
listing='{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'

echo "on stdio, with a read-only root"
docker run -i --rm --read-only "$image" <<END | grep -q '"consensus"'
$listing
END

echo "as another user"
docker run -i --rm -u 777:777 "$image" <<END | grep -q '"consensus"'
$listing
END

echo "by network"
started=$(docker run -d -p 8080:8080 -e MCP_TRANSPORT=sse "$image")
trap 'docker rm -f "$started" > stopped.txt' EXIT
tries=0
until docker logs "$started" 2>&1 | grep -q 'serving http'; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { docker logs "$started"; exit 1; }
    sleep 1
done
token=$(docker logs "$started" 2>&1 | sed -n 's/.*not shown again: //p')
status() {
    curl -s -o answer.txt -w '%{http_code}' -m 5 -H "Authorization: Bearer $1" \
        -H 'Accept: text/event-stream' http://127.0.0.1:8080/sse || true
}
[ "$(status wrong)" = 401 ]
[ "$(status "$token")" = 200 ]

echo "its health"
tries=0
until [ "$(docker inspect -f '{{.State.Health.Status}}' "$started")" = healthy ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { docker inspect "$started"; exit 1; }
    sleep 1
done
