// What is typed for more than one check. Nodes run below systemd or in a container, and people know which.

export const RESTART = 'systemctl restart starling, or docker restart of the container'
/** What may be wrong is in there. */
export const LOG = 'journalctl -u starling -p warning --since -1h, or docker logs --since 1h of the container'
