#!/bin/sh
# build.sh: builds the test cluster's programs into .cache/kube, unless those there are made of the same files.
set -eu
cd "$(dirname "$0")"
out=$PWD/../../.cache/kube
progress=$PWD/../progress.sh
want=$(find . -name '*.go' -o -name 'go.*' -o -name build.sh | LC_ALL=C sort | xargs cat | sha256sum | cut -c1-16)
[ "$(cat "$out/.lock" 2>/dev/null)" != "$want" ] || exit 0
mkdir -p "$out"
rm -f "$out/.lock"
export CGO_ENABLED=0
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes) # clients and charts ask for it
minor=${version#v1.}
stamp="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
# -trimpath: the same result wherever the checkout is, so go's own cache serves every one of them.
$progress "building Kubernetes (5 minutes the first time)" go build -trimpath -ldflags "-s -w $stamp" -o "$out/kube" ./cmd/kube
$progress "building the pause program" go build -trimpath -ldflags "-s -w" -o "$out/pause" ./cmd/pause
$progress "building CoreDNS" go -C dns build -trimpath -ldflags "-s -w" -o "$out/coredns" ./cmd/coredns
echo "$want" >"$out/.lock"
