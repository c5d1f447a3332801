package clickhouse

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// engineConfig is what the engine must be told before its first session. Everything MergeTree stores goes to an
// encrypted disk and is synced before an insert is acknowledged (fsync_part_directory would break every insert there).
// The caches are bounded: the mark cache alone takes 5 GB by default. Queries never spill, because spilled rows
// would lie on the disk in clear; they fail when memory is short: see forbidSpills. Inserts leave 64 MiB of the disk, for what makes room
// takes some: see ballast.
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
</clickhouse>
`

// sessionSettings hold for every session: see engineConfig.
var sessionSettings = []string{
	"max_bytes_before_external_group_by = 0", "max_bytes_ratio_before_external_group_by = 0",
	"max_bytes_before_external_sort = 0", "max_bytes_ratio_before_external_sort = 0",
	"max_bytes_before_external_join = 0", "max_bytes_ratio_before_external_join = 0",
}

var setSession = "SET " + strings.Join(sessionSettings, ", ")

// configFile writes the engine's configuration to a file that exists in memory alone, because it holds the key.
// The engine reads it by path while the first session opens; the caller closes it then.
func configFile(memory int64, key []byte) (*os.File, string, error) {
	fd, err := unix.MemfdCreate("clickhouse.xml", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, "", fmt.Errorf("make a file in memory for the engine's configuration: %w", err)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	f := os.NewFile(uintptr(fd), path)
	if _, err := fmt.Fprintf(f, engineConfig, memory, hex.EncodeToString(key)); err != nil {
		f.Close()
		return nil, "", fmt.Errorf("write the engine's configuration: %w", err)
	}
	return f, path, nil
}

// forbidSpills removes what an earlier process left of temporary files and sees to it that no more can be made, because
// they would lie on the disk in clear and a client's settings may ask for them: where the engine makes them, nobody can.
// The engine knows no other way; it ignores tmp_policy and the limit on temporary data.
func forbidSpills(dir string) error {
	path := filepath.Join(dir, "tmp")
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove temporary files: %w", err)
	}
	if err := os.Symlink("/proc/self/fdinfo", path); err != nil {
		return fmt.Errorf("forbid temporary files: %w", err)
	}
	return nil
}
