package cgroup

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

func TestWhereAProcessIs(t *testing.T) {
	cases := map[string]struct {
		groups, mounts string
		want           places
	}{
		"version 2 under systemd": {
			"0::/system.slice/midwatch.service\n",
			"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
			places{"": "/sys/fs/cgroup/system.slice/midwatch.service"},
		},
		"version 1 beside 2": {
			"4:memory:/tenant/a\n8:pids:/\n9:name=systemd:/\n0::/\n",
			"24 21 0:21 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" +
				"25 21 0:22 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n" +
				"26 21 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			places{"memory": "/sys/fs/cgroup/memory/tenant/a", "pids": "/sys/fs/cgroup/pids", "": "/sys/fs/cgroup/unified"},
		},
		"controllers that share a hierarchy": {
			"5:memory,pids:/a\n",
			"24 21 0:21 / /cg/both rw - cgroup cgroup rw,memory,pids\n",
			places{"memory": "/cg/both/a", "pids": "/cg/both/a"},
		},
		"a container that sees its own group as the root of the mount": {
			"0::/kubepods/pod1/c1\n",
			"30 23 0:26 /kubepods/pod1/c1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			places{"": "/sys/fs/cgroup"},
		},
		"a mount that shows only somebody else's groups": {
			"0::/mine\n",
			"30 23 0:26 /theirs /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			places{},
		},
		"lines nobody understands": {"nonsense\n", "nonsense - x\n- -\n", places{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			proc := t.TempDir()
			for file, text := range map[string]string{"cgroup": c.groups, "mountinfo": c.mounts} {
				if err := os.WriteFile(filepath.Join(proc, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := read(proc)
			if err != nil || !maps.Equal(got, c.want) {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}
