#!/bin/sh
# deps.sh [cluster|test]: installs what is missing: Debian packages (as root, by apt) and the ClickHouse library (by npm, into .cache).
# With "cluster" only what the test cluster is made of, with "test" also what only the tests need, the test cluster included.
set -eu
cd "$(dirname "$0")/.."
progress=deploy/progress.sh

die() {
	echo "error: $1" >&2
	exit 1
}

# What apt cannot bring on a stable Debian is asked for in one sentence each.
command -v go >/dev/null || die "Go is missing: install Go 1.26 or newer from https://go.dev/dl and put it on PATH"
go version | awk '{ split(substr($3, 3), v, "."); exit !(v[1] > 1 || v[2] >= 26) }' ||
	die "$(go version | cut -d' ' -f3) is too old: Midwatch needs Go 1.26 or newer"
command -v node >/dev/null || die "Node is missing: install Node 20 or newer and put it on PATH"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || die "Node $(node --version) is too old: Midwatch needs Node 20 or newer"

packages=""
need() { # file or command, package
	if [ ! -e "$1" ] && ! command -v "$1" >/dev/null 2>&1; then packages="$packages $2"; fi
}
if [ "${1:-}" != cluster ]; then
	need redis-server redis-server
	ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || packages="$packages postgresql"
fi
if [ "${1:-}" = cluster ] || [ "${1:-}" = test ]; then
	need containerd containerd
	need runc runc
	need /usr/lib/cni/bridge containernetworking-plugins
	need iptables iptables
	need conntrack conntrack
	need ip iproute2
fi
if [ "${1:-}" = test ]; then
	need chromium chromium
	need clang-14 clang-14
	need llvm-strip-14 llvm-14
	need /usr/include/bpf/bpf_helpers.h libbpf-dev
	need gcc gcc
	need memcached memcached
	need mariadbd mariadb-server
	need /usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server
	need zstd zstd
	need prometheus prometheus
	need /usr/share/java/zookeeper.jar zookeeper
fi
if [ -n "$packages" ] && [ "$(id -u)" != 0 ]; then
	[ -z "${1:-}" ] || die "missing Debian packages; as root: apt-get install$packages"
	echo "  note: not root, so$packages stays uninstalled; a recording is played instead of the shop"
elif [ -n "$packages" ]; then
	export DEBIAN_FRONTEND=noninteractive
	# The shop starts its own servers: the packages must not start theirs.
	printf '#!/bin/sh\nexit 101\n' >/tmp/midwatch-no-services
	chmod +x /tmp/midwatch-no-services
	[ -e /usr/sbin/policy-rc.d ] || { cp /tmp/midwatch-no-services /usr/sbin/policy-rc.d && made=1; }
	status=0
	$progress "updating the package lists" apt-get update -qq || status=$?
	# shellcheck disable=SC2086
	[ $status -ne 0 ] || $progress "installing$packages" apt-get install -y -qq --no-install-recommends $packages || status=$?
	[ -z "${made:-}" ] || rm -f /usr/sbin/policy-rc.d
	rm -f /tmp/midwatch-no-services
	[ $status -eq 0 ] || die "apt-get could not install$packages"
fi
[ "${1:-}" != cluster ] || exit 0

library=.cache/chdb
want=$(sha256sum deploy/clickhouse/library/package-lock.json | cut -c1-16)
if [ "$(cat $library/.lock 2>/dev/null)" != "$want" ]; then
	mkdir -p $library
	cp deploy/clickhouse/library/package.json deploy/clickhouse/library/package-lock.json $library/
	$progress "fetching the ClickHouse library (570 MB)" npm ci --prefix $library --no-fund --no-audit
	echo "$want" >$library/.lock
fi

# Recorded answers of GitHub's API.
fixtures=.cache/fixtures
want=$(sha256sum deploy/fixtures/package-lock.json | cut -c1-16)
if [ "${1:-}" = test ] && [ "$(cat $fixtures/.lock 2>/dev/null)" != "$want" ]; then
	mkdir -p $fixtures
	cp deploy/fixtures/package.json deploy/fixtures/package-lock.json $fixtures/
	$progress "fetching recorded answers of GitHub" npm ci --prefix $fixtures --ignore-scripts --no-fund --no-audit
	echo "$want" >$fixtures/.lock
fi
