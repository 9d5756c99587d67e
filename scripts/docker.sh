#!/bin/sh
# docker.sh start|stop DIR: a Docker engine of our own in DIR, for a machine where none runs. Its four network flags keep
# it from touching the machine's firewall and forwarding; service names and ports on 127.0.0.1 work all the same.
set -eu
dir=$2
export DOCKER_HOST="unix://$dir/docker.sock"
case $1 in
start)
	setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" -H "$DOCKER_HOST" \
		--bridge=none --iptables=false --ip-masq=false --ip-forward=false >"$dir/dockerd.log" 2>&1 &
	for _ in $(seq 300); do
		if docker info >/dev/null 2>&1; then exit 0; fi
		sleep 0.1
	done
	cat "$dir/dockerd.log"
	exit 1
	;;
stop)
	pid=$(cat "$dir/pid")
	kill "$pid"
	while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	rm -rf "$dir"
	;;
esac
