#!/bin/sh
# Any language that can start a program: the server's first lines are shell, and say where it is.
set -eu
greeting=$(mktemp)
mockskaha serve --port 0 --profile instant > "$greeting" &
server=$!
trap 'kill "$server"; rm -f "$greeting"' EXIT
until [ "$(wc -l < "$greeting")" -ge 2 ]; do
    kill -0 "$server" # it is still there
    sleep 0.1
done
. "$greeting" # CANFAR_URL, CANFAR_TOKEN

skaha() { curl --silent --show-error --fail --header "Authorization: Bearer $CANFAR_TOKEN" "$@"; }

id=$(skaha --data name=fit --data image=images.canfar.net/skaha/terminal:1.1.2 \
    --data cmd=sleep --data args=3600 "$CANFAR_URL/session")
skaha "$CANFAR_URL/session/$id" | grep '"status": "Running"'

# The hour passes at once: by the control API, from anything that can send JSON, or by `mockskaha ctl`.
export MOCKSKAHA_URL="${CANFAR_URL%/skaha/v*}"
curl --silent --show-error --fail --header "Content-Type: application/json" \
    --data '{"by": "30m"}' "$MOCKSKAHA_URL/_mockskaha/clock/advance" | grep '"advanced": *1800'
mockskaha ctl until "$id" Completed --within 1h
skaha "$CANFAR_URL/session/$id" | grep '"status": "Completed"'

skaha --request DELETE "$CANFAR_URL/session/$id"
test "$(skaha "$CANFAR_URL/session")" = "[]"
echo "launched, seen and deleted $id"
