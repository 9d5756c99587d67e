#!/bin/sh
# docker.sh start|plugin|stop DIR: a Docker engine of our own in DIR, for a machine where none runs. Its four network
# flags keep it from touching the machine's firewall and forwarding; service names and ports on 127.0.0.1 work all the
# same. Its clients need DOCKER_HOST=unix://DIR/docker.sock and DOCKER_CONFIG=DIR/cfg; plugin builds docker compose there.
set -eu
dir=$2
: "${GO:=go}"
export DOCKER_HOST="unix://$dir/docker.sock" DOCKER_CONFIG="$dir/cfg"
case $1 in
start)
	setsid dockerd --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" -H "$DOCKER_HOST" \
		--bridge=none --iptables=false --ip-masq=false --ip-forward=false >"$dir/dockerd.log" 2>&1 &
	engine=$!
	for _ in $(seq 300); do
		if docker info >/dev/null 2>&1; then exit 0; fi
		kill -0 $engine 2>/dev/null || break
		sleep 0.1
	done
	echo "no Docker engine; the last lines of dockerd:" >&2
	tail -n 5 "$dir/dockerd.log" >&2
	exit 1
	;;
plugin)
	if docker compose version >/dev/null 2>&1; then exit 0; fi
	mkdir -p "$DOCKER_CONFIG/cli-plugins"
	cd "$(dirname "$0")/../tools/compose"
	version=$($GO list -m -f '{{.Version}}' github.com/docker/compose/v2)
	CGO_ENABLED=0 $GO build -trimpath -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$version" \
		-o "$DOCKER_CONFIG/cli-plugins/docker-compose" github.com/docker/compose/v2/cmd
	;;
stop)
	if docker info >/dev/null 2>&1; then # a container would keep its bridge
		docker ps -aq | xargs -r docker rm -f >/dev/null
		docker network prune -f >/dev/null
	fi
	if [ -e "$dir/pid" ]; then
		pid=$(cat "$dir/pid")
		kill "$pid" 2>/dev/null || true
		while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
	fi
	rm -rf "$dir"
	;;
esac
