#!/usr/bin/env bash
# Writes secrets/ beside this script: fresh passwords for NATS and Redis, and what KARTE and Slack gave you.
#
# The four from outside are taken from the environment (KARTE_API_TOKEN, KARTE_CLIENT_SECRET, SLACK_BOT_TOKEN,
# SLACK_SIGNING_SECRET) or asked for; API_TOKENS_FILE names the file with the tokens of the settings API. What is already
# there is left as it is: to change a secret, delete its file first; to change the passwords, delete secrets/passwords.conf.
set -euo pipefail
umask 077

: "${API_TOKENS_FILE:?name the file with the API tokens in API_TOKENS_FILE}"
[ -r "$API_TOKENS_FILE" ] || { echo "$API_TOKENS_FILE cannot be read" >&2; exit 1; }
API_TOKENS_FILE=$(realpath "$API_TOKENS_FILE")
cd "$(dirname "$0")"
mkdir -p secrets

# ours <file> writes what it reads, unless the file is there.
ours() { if [ -e "secrets/$1" ]; then cat >/dev/null; else cat >"secrets/$1"; fi; }

# theirs <file> <variable> writes a secret from outside, asking for it when the variable is empty.
theirs() {
  local value=${!2:-}
  [ -e "secrets/$1" ] && return
  if [ -z "$value" ]; then read -r -s -p "$2: " value </dev/tty; echo >&2; fi
  [ -n "$value" ] || { echo "$2 is empty" >&2; exit 1; }
  printf '%s' "$value" >"secrets/$1"
}

# Letters and digits only, so that it fits into a URL as it is; 190 bits.
password() { head -c 512 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | cut -c1-32; }

# The passwords belong together: either all of them are new or none.
if [ ! -e secrets/passwords.conf ]; then
  rm -f secrets/*-url secrets/users.acl
  karte=$(password) router=$(password) slack=$(password) redis=$(password)
  printf 'nats://ingest-karte:%s@nats:4222' "$karte" | ours ingest-karte-nats-url
  printf 'nats://router:%s@nats:4222' "$router" | ours router-nats-url
  printf 'nats://slack-gateway:%s@nats:4222' "$slack" | ours slack-gateway-nats-url
  printf 'redis://router:%s@redis:6379/0' "$redis" | ours redis-url
  ours users.acl <<ACL
user default off
user probe on nopass resetkeys resetchannels -@all +ping
user router on >$redis ~* resetchannels &* +@all -@admin -@dangerous +info
ACL
  ours passwords.conf <<CONF
NATS_PASSWORD_INGEST_KARTE: "$karte"
NATS_PASSWORD_ROUTER: "$router"
NATS_PASSWORD_SLACK_GATEWAY: "$slack"
CONF
fi

theirs karte-api-token KARTE_API_TOKEN
theirs karte-client-secret KARTE_CLIENT_SECRET
theirs slack-bot-token SLACK_BOT_TOKEN
theirs slack-signing-secret SLACK_SIGNING_SECRET
ours api-tokens <"$API_TOKENS_FILE"
echo "written to $PWD/secrets; next: kubectl apply -k ."
