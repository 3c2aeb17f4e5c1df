#!/bin/sh
# Runs starling with the Node.js that came with it. Where the node's service user is, root becomes that user: what it made would be nobody else's, and
# keys that belong to another user are refused.
set -eu
# No path in it has a space.
program='/usr/lib/starling/bin/node /usr/lib/starling/dist/cli/main.js'
umask 0077
if [ "$(id -u)" = 0 ] && id -u starling >/dev/null 2>&1; then
  export HOME=/var/lib/starling
  exec setpriv --reuid=starling --regid=starling --init-groups --no-new-privs $program "$@"
fi
exec $program "$@"
