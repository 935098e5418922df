#!/bin/sh
# Takes the chart library of the page from npm into www/vendor, with its licence. The copy is in the repository, so that a build
# needs neither npm nor a network; run this after a change of package.json and commit what it changes.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp package.json package-lock.json "$work"
(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --silent)
mkdir -p www/vendor
cp "$work/node_modules/uplot/dist/uPlot.esm.js" "$work/node_modules/uplot/dist/uPlot.min.css" \
    "$work/node_modules/uplot/LICENSE" www/vendor/
chmod 644 www/vendor/*
