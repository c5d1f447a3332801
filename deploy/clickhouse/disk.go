package clickhouse

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/midwatch/midwatch/deploy/clickhouse/server"
)

// engineConfig is what the engine must be told before its first session. Everything MergeTree stores goes to an
// encrypted disk and is synced before an insert is acknowledged (fsync_part_directory would break every insert there).
// The caches are bounded: the mark cache alone takes 5 GB by default. Queries never spill, because spilled rows
// would lie on the disk in clear (the engine ignores tmp_policy): they fail when memory is short, and nobody may change the settings that would let them
// (server.Fixed). Only a merge of large parts writes to the directory for temporary files: which row comes from which part. Inserts leave 64 MiB of the
// disk, for what makes room takes some: see ballast. The file is at the same time the list of users that it names: all sessions are one user.
const engineConfig = `<clickhouse>
  <max_server_memory_usage>%d</max_server_memory_usage>
  <mark_cache_size>134217728</mark_cache_size>
  <index_mark_cache_size>33554432</index_mark_cache_size>
  <primary_index_cache_size>33554432</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
  <mmap_cache_size>0</mmap_cache_size>
  <compiled_expression_cache_size>33554432</compiled_expression_cache_size>
  <storage_configuration>
    <disks>
      <default><keep_free_space_bytes>0</keep_free_space_bytes></default>
      <encrypted>
        <type>encrypted</type>
        <disk>default</disk>
        <path>encrypted/</path>
        <algorithm>AES_256_CTR</algorithm>
        <key_hex>%s</key_hex>
      </encrypted>
    </disks>
    <policies>
      <encrypted><volumes><main><disk>encrypted</disk></main></volumes></encrypted>
    </policies>
  </storage_configuration>
  <merge_tree>
    <storage_policy>encrypted</storage_policy>
    <fsync_after_insert>1</fsync_after_insert>
    <min_free_disk_bytes_to_perform_insert>67108864</min_free_disk_bytes_to_perform_insert>
  </merge_tree>
  <users_config>%s</users_config>
  <users>
    <default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default>
  </users>
  <quotas><default/></quotas>
  <profiles>
    <default>%s</default>
  </profiles>
</clickhouse>
`

// constants are what sessions may not change besides server.Fixed: where tables lie, and the language, of which the server knows one.
var constants = []string{"merge_tree_disk", "merge_tree_storage_policy", "dialect"}

// profile is what sessions begin with, and what they may not change.
func profile() string {
	var values, constant strings.Builder
	for _, s := range server.Fixed() {
		fmt.Fprintf(&values, "<%[1]s>%[2]s</%[1]s>", s.Name, s.Value)
		fmt.Fprintf(&constant, "<%[1]s><const/></%[1]s>", s.Name)
	}
	for _, name := range constants {
		fmt.Fprintf(&constant, "<%[1]s><const/></%[1]s>", name)
	}
	return values.String() + "<constraints>" + constant.String() + "</constraints>"
}

// configFile writes the engine's configuration to a file that exists in memory alone, because it holds the key.
// The engine reads it by path while the first session opens; the caller closes it then.
func configFile(memory int64, key []byte) (*os.File, string, error) {
	fd, err := unix.MemfdCreate("clickhouse.xml", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, "", fmt.Errorf("make a file in memory for the engine's configuration: %w", err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	f := os.NewFile(uintptr(fd), path)
	if _, err := fmt.Fprintf(f, engineConfig, memory, hex.EncodeToString(key), path, profile()); err != nil {
		f.Close()
		return nil, "", fmt.Errorf("write the engine's configuration: %w", err)
	}
	return f, path, nil
}

// clearTemporary makes the directory for temporary files, and removes what an earlier process left there.
func clearTemporary(dir string) error {
	path := filepath.Join(dir, "tmp")
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove temporary files: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return fmt.Errorf("make a directory for temporary files: %w", err)
	}
	return nil
}
