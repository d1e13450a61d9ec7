#!/usr/bin/env bash
# Writes the Secrets of an overlay as files into secrets/<overlay>/ beside this script, and what applies them: fresh passwords for NATS
# and Redis, and what KARTE and Slack gave you.
# usage: make-secrets.sh dev|production|external
#
# The four from outside are taken from the environment (KARTE_API_TOKEN, KARTE_CLIENT_SECRET, SLACK_BOT_TOKEN,
# SLACK_SIGNING_SECRET) or asked for; API_TOKENS_FILE names the file with the tokens of the settings API. For `external`
# also NATS_URL_INGEST_KARTE, NATS_URL_ROUTER, NATS_URL_SLACK_GATEWAY, NATS_URL_TOPOLOGY and REDIS_URL. With REDIS_TLS=yes Redis is spoken to
# over TLS. What is already there is left as it is: to change a secret, delete its file first; to change all passwords, delete
# nats-passwords/. Then: kubectl apply -k deploy/k8s/secrets/<overlay>
set -euo pipefail
umask 077

overlay=${1:-}
case $overlay in
dev) namespace=slacktalk-dev ;;
production | external) namespace=slacktalk ;;
*)
  echo "usage: make-secrets.sh dev|production|external" >&2
  exit 2
  ;;
esac
: "${API_TOKENS_FILE:?name the file with the API tokens in API_TOKENS_FILE}"
[ -r "$API_TOKENS_FILE" ] || {
  echo "$API_TOKENS_FILE cannot be read" >&2
  exit 1
}
API_TOKENS_FILE=$(realpath "$API_TOKENS_FILE")
cd "$(dirname "$0")"
base=$PWD/base
mkdir -p "secrets/$overlay"
cd "secrets/$overlay"
mkdir -p ingest-karte router slack-gateway topology

# theirs <file> <variable> writes a secret from outside, asking for it when the variable is empty.
theirs() {
  local value=${!2:-}
  if [ -e "$1" ]; then return; fi
  if [ -z "$value" ]; then
    read -r -s -p "$2: " value </dev/tty
    echo >&2
  fi
  [ -n "$value" ] || {
    echo "$2 is empty" >&2
    exit 1
  }
  printf '%s' "$value" >"$1"
}

# Letters and digits only, so that it fits into a URL as it is; 190 bits.
password() { head -c 512 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | cut -c1-32; }

# A password stands in two places, with the server and in the URL of the one service that has it: all are new or none.
passwords() {
  local karte router slack topology backup redis route scheme=redis
  karte=$(password) router=$(password) slack=$(password) topology=$(password) backup=$(password) redis=$(password) route=$(password)
  if [ "${REDIS_TLS:-}" = yes ]; then scheme=rediss; fi
  mkdir -p nats-passwords redis-users
  printf 'nats://ingest-karte:%s@nats:4222' "$karte" >ingest-karte/nats-url
  printf 'nats://router:%s@nats:4222' "$router" >router/nats-url
  printf 'nats://slack-gateway:%s@nats:4222' "$slack" >slack-gateway/nats-url
  printf 'nats://topology:%s@nats:4222' "$topology" >topology/nats-url
  printf '%s://router:%s@redis:6379/0' "$scheme" "$redis" >router/redis-url
  sed "s/>replace-me/>$redis/" "$base/redis/users.example.acl" >redis-users/users.acl
  cat >nats-passwords/cluster.conf <<CONF
authorization { user: route, password: "$route", timeout: 2 }
routes: [
  "nats://route:$route@nats-0.nats:6222"
  "nats://route:$route@nats-1.nats:6222"
  "nats://route:$route@nats-2.nats:6222"
]
CONF
  cat >nats-passwords/passwords.conf <<CONF
NATS_PASSWORD_INGEST_KARTE: "$karte"
NATS_PASSWORD_ROUTER: "$router"
NATS_PASSWORD_SLACK_GATEWAY: "$slack"
NATS_PASSWORD_TOPOLOGY: "$topology"
NATS_PASSWORD_BACKUP: "$backup"
CONF
}

if [ "$overlay" = external ]; then
  theirs ingest-karte/nats-url NATS_URL_INGEST_KARTE
  theirs router/nats-url NATS_URL_ROUTER
  theirs slack-gateway/nats-url NATS_URL_SLACK_GATEWAY
  theirs topology/nats-url NATS_URL_TOPOLOGY
  theirs router/redis-url REDIS_URL
elif [ ! -e nats-passwords/passwords.conf ]; then
  passwords
elif [ ! -e topology/nats-url ]; then
  # A folder of 0.1.0, which knew neither of the two.
  topology=$(password) backup=$(password)
  printf 'nats://topology:%s@nats:4222' "$topology" >topology/nats-url
  printf 'NATS_PASSWORD_TOPOLOGY: "%s"\nNATS_PASSWORD_BACKUP: "%s"\n' "$topology" "$backup" >>nats-passwords/passwords.conf
fi
theirs ingest-karte/karte-api-token KARTE_API_TOKEN
theirs ingest-karte/karte-client-secret KARTE_CLIENT_SECRET
theirs slack-gateway/slack-bot-token SLACK_BOT_TOKEN
theirs slack-gateway/slack-signing-secret SLACK_SIGNING_SECRET
if [ ! -e router/api-tokens ]; then cat "$API_TOKENS_FILE" >router/api-tokens; fi
# What slack-gateway asks and changes for people in front of a dialog, with their own rights.
if [ ! -e slack-gateway/router-token ]; then
  printf 'slacktalk_%s' "$(password)" >slack-gateway/router-token
  sed -i '/name: slack-gateway, sha256/d' router/api-tokens
  printf -- '- {name: slack-gateway, sha256: %s, role: viewer, projects: ["*"], acts_for_members: true}\n' \
    "$(sha256sum <slack-gateway/router-token | cut -d" " -f1)" >>router/api-tokens
fi

# One Secret for each folder, always under the same name: what is changed gets into the running pods.
{
  printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: %s\n' "$namespace"
  printf 'generatorOptions: {disableNameSuffixHash: true}\nsecretGenerator:\n'
  for secret in */; do
    printf -- '  - name: %s\n    files:\n' "${secret%/}"
    for file in "$secret"*; do printf -- '      - %s\n' "$file"; done
  done
} >kustomization.yaml
echo "written to $PWD; next: kubectl apply -k deploy/k8s/secrets/$overlay"
