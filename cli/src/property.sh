#!/bin/sh
# Registers custom dimensions and metrics by the Google Analytics Admin API. TOKEN is an OAuth 2 access token with the
# scope https://www.googleapis.com/auth/analytics.edit.
set -eu
: "${TOKEN:?an access token is needed in TOKEN}"
api=${ANALYTICS_ADMIN_API:-https://analyticsadmin.googleapis.com}
create() { # create COLLECTION BODY; the token is not among the arguments of curl, which others see
    printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" |
        curl --fail-with-body --silent --show-error --config - --header 'Content-Type: application/json' \
            --data "$2" "$api/v1beta/properties/@PROPERTY@/$1"
    echo
}
