# Let Prometheus read its settings again whenever they change. Both containers see each other's processes.
set -u

signal() {
  for process in /proc/[0-9]*; do
    if [ "$(cat "$process/comm" 2> /dev/null)" = prometheus ]; then
      kill "-$1" "${process#/proc/}"
    fi
  done
}

seen() {
  cat /etc/prometheus/settings/* | cksum
}

settings=$(seen)
retention=$(cat /etc/prometheus/settings/retention)
while sleep 5; do
  now=$(seen)
  # While the settings are replaced there are none for a moment.
  if [ "$now" = "$settings" ] || ! promtool check config --syntax-only /etc/prometheus/settings/prometheus.yml > /dev/null; then
    continue
  fi
  settings=$now
  if [ "$(cat /etc/prometheus/settings/retention)" != "$retention" ]; then
    # A flag, which only a new process takes.
    retention=$(cat /etc/prometheus/settings/retention)
    signal TERM
  else
    signal HUP
  fi
  echo "the settings have changed"
done
