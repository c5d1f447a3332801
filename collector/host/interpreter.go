package host

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// interpreter says how to find the program among an interpreter's arguments.
type interpreter struct {
	exe    *regexp.Regexp
	inline []string // options that carry the program itself: there is no script
	module []string // options whose value names the program
	valued []string // options that take the next argument
	words  []string // subcommands before the script
	shell  bool
}

// interpreters is looked through in order; the version in a name (python3.11) does not matter.
var interpreters = []interpreter{
	{exe: regexp.MustCompile(`^(python|pypy)[\d.]*$`), inline: []string{"-c"}, module: []string{"-m"}, valued: []string{"-W", "-X"}},
	{exe: regexp.MustCompile(`^(node|nodejs|bun|deno)$`), inline: []string{"-e", "--eval", "-p", "--print"}, valued: []string{"-r", "--require", "--import"}, words: []string{"run"}},
	{exe: regexp.MustCompile(`^java$`), module: []string{"-jar"}, valued: []string{"-cp", "-classpath", "--class-path", "-p", "--module-path"}},
	{exe: regexp.MustCompile(`^(ruby|perl|php)[\d.]*$`), inline: []string{"-e", "-r"}, valued: []string{"-I"}},
	{exe: regexp.MustCompile(`^(ba|da|z|a|k)?sh$`), inline: []string{"-c", "-lc", "-ic", "-ec"}, valued: []string{"-o", "-O"}, shell: true},
}

func interpreterOf(exe string) *interpreter {
	base := filepath.Base(exe)
	for i := range interpreters {
		if interpreters[i].exe.MatchString(base) {
			return &interpreters[i]
		}
	}
	return nil
}

// program returns what the interpreter runs: a script, a jar, a module or a class; "" when it is interactive or inline.
func (in *interpreter) program(args []string) string {
	for i := 1; i < len(args); i++ {
		a := args[i]
		switch {
		case slices.Contains(in.inline, a):
			return ""
		case slices.Contains(in.module, a):
			if i+1 < len(args) {
				return args[i+1]
			}
			return ""
		case slices.Contains(in.valued, a):
			i++
		case strings.HasPrefix(a, "-"), a == "", slices.Contains(in.words, a):
		default:
			return a
		}
	}
	return ""
}

var scriptSuffixes = []string{".py", ".pyc", ".js", ".mjs", ".cjs", ".ts", ".jar", ".war", ".rb", ".pl", ".php", ".sh", ".bash"}

// programName is what a person calls the program: the base name without a script's suffix, the last part of a Java class.
func programName(program string) string {
	base := filepath.Base(program)
	for _, s := range scriptSuffixes {
		if name, ok := strings.CutSuffix(base, s); ok && name != "" {
			return name
		}
	}
	return base
}
