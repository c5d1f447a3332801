#!/bin/sh
# progress.sh "what is being done" command…: runs the command quietly, says what it does and for how long, at least every
# 10 seconds, and shows the end of its output when it fails.
what=$1
shift
log=$(mktemp)
start=$(date +%s)
"$@" >"$log" 2>&1 &
pid=$!
trap 'kill $pid 2>/dev/null; rm -f "$log"; exit 130' INT TERM
[ -t 1 ] && every=1 || every=10
tick=0
for _ in 1 2 3 4 5 6 7 8 9 10; do # what is quick shall not wait for a second to be over
	kill -0 $pid 2>/dev/null || break
	sleep 0.1
done
while kill -0 $pid 2>/dev/null; do
	sleep 1
	tick=$((tick + 1))
	if [ -t 1 ]; then
		printf '\r  %-44s %4d s ' "$what" $(($(date +%s) - start))
	elif [ $((tick % every)) -eq 0 ]; then
		printf '  %s … %d s\n' "$what" $(($(date +%s) - start))
	fi
done
wait $pid
code=$?
[ -t 1 ] && printf '\r'
if [ $code -eq 0 ]; then
	printf '  %-44s %4d s  ok\n' "$what" $(($(date +%s) - start))
else
	printf '  %-44s %4d s  failed\n' "$what" $(($(date +%s) - start))
	tail -n 40 "$log"
fi
rm -f "$log"
exit $code
