# node.sh STATE CGROUP...: makes the mount and network namespaces it runs in a node, says "ready", and waits for the end of its standard input,
# which ends everything in the groups and removes them. So nothing outlives the launcher, however that ended.
set -eu
state=$1
shift

mount --make-rprivate / # from here on the host sees no mount of ours
mount --make-rshared /
mount -t tmpfs -o mode=755 node /run
mkdir /run/state
mount --bind "$state" /run/state
for dir in etc var; do # what is written to the node's root is gone with it
	mkdir -p /run/root/$dir/upper /run/root/$dir/work
	mount -t overlay -o lowerdir=/$dir,upperdir=/run/root/$dir/upper,workdir=/run/root/$dir/work node /$dir
done
place() { # directory of the state, where the node has it
	mkdir -p "/run/state/$1" "$2"
	mount --bind "/run/state/$1" "$2"
}
place kubernetes /etc/kubernetes
place cni /etc/cni/net.d
place etcd /var/lib/etcd
place containerd /var/lib/containerd
place kubelet /var/lib/kubelet
place pods /var/log/pods
rm -f /etc/resolv.conf
echo "nameserver 127.0.0.1" >/etc/resolv.conf # nobody: a name outside fails at once

# What the kubelet insists on, without touching the host's.
mkdir /run/sysctl
sysctl() { # value, name
	echo "$1" >"/run/sysctl/$(basename "$2")"
	mount --bind "/run/sysctl/$(basename "$2")" "/proc/sys/$2"
}
sysctl 1 vm/overcommit_memory
sysctl 10 kernel/panic
sysctl 1 kernel/panic_on_oops

hostname node1
ip link set lo up
ip link add node0 type bridge
ip address add 10.99.0.1/24 dev node0
ip link set node0 up
ip route add default dev node0 # components ask which device leads outside
echo 1 >/proc/sys/net/ipv4/ip_forward

echo ready
cat >/dev/null

left() { for group in "$@"; do [ ! -e "$group" ] || return 0; done; return 1; }
tries=0
while left "$@" && [ $tries -lt 100 ]; do
	for group in "$@"; do
		[ ! -e "$group/cgroup.kill" ] || echo 1 >"$group/cgroup.kill"
		find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.1
	done
	tries=$((tries + 1))
done
