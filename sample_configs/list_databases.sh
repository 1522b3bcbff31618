#!/bin/sh
# Prints the databases of the host $1, one a line; each becomes a node.
case "$1" in
  db-north) printf '%s\n' north.users north.orders north.events ;;
  db-south) printf '%s\n' south.users south.orders ;;
  *) echo "no such host: $1" >&2; exit 1 ;;
esac
