package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/leatsql/leat/internal/errcode"
	"github.com/leatsql/leat/pkg/sql/sqlerr"
)

// maxSetting bounds the configuration file and the file of one secret.
const maxSetting = 1 << 20

// setting is the value of a flag that comes from elsewhere than the command line.
type setting struct {
	value  string
	origin string // env LEAT_X, file F:LINE
	at     *sqlerr.Span
}

// envName is the environment variable of a flag. With _FILE behind it names a file that holds the value: for secrets.
func envName(flag string) string {
	return "LEAT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// applySettings gives every flag of cmd that the command line does not set its value from the environment, else from
// the configuration file.
func (g *globals) applySettings(cmd *cobra.Command) error {
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			g.origins[f.Name] = "flag"
		}
	})
	file, err := g.readConfig(cmd)
	if err != nil {
		return err
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		s, err := g.lookup(cmd, f.Name, file)
		if err != nil {
			errs = append(errs, err)
			return
		}
		if s == nil {
			return
		}
		if err := cmd.Flags().Set(f.Name, s.value); err != nil {
			errs = append(errs, g.wrongSetting(f.Name, s, file, err))
			return
		}
		g.origins[f.Name] = s.origin
	})
	return errors.Join(errs...)
}

func (g *globals) wrongSetting(flag string, s *setting, file *configFile, err error) error {
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = errors.Unwrap(wrong)
	}
	if s.at != nil {
		wrong := sqlerr.New(sqlerr.Code(errcode.BadConfig), *s.at, "%s: %q: %v", flag, s.value, err)
		return inSource(wrong, file.path, file.text)
	}
	return errcode.New(errcode.Usage, "%s: %q: %w", s.origin, s.value, err)
}

// lookup returns where the flag's value comes from, or nil.
func (g *globals) lookup(cmd *cobra.Command, flag string, file *configFile) (*setting, error) {
	name := envName(flag)
	if v, ok := g.lookupEnv(name); ok && v != "" {
		return &setting{value: v, origin: "env " + name}, nil
	}
	if path, ok := g.lookupEnv(name + "_FILE"); ok && path != "" {
		v, err := readBounded(path)
		if err != nil {
			return nil, errcode.New(errcode.BadConfig, "%s_FILE: %w", name, err)
		}
		return &setting{value: strings.TrimSpace(v), origin: "env " + name + "_FILE"}, nil
	}
	return file.lookup(commandName(cmd), flag), nil
}

// commandName is the path of cmd below leat, with dashes: "topology-health".
func commandName(cmd *cobra.Command) string {
	_, name, _ := strings.Cut(cmd.CommandPath(), " ")
	return strings.ReplaceAll(name, " ", "-")
}

// configFile is a YAML file of settings: flags of all commands at the top, those of one command below its name.
type configFile struct {
	path, text string
	values     map[string]setting // "flag" or "command.flag"
}

func (c *configFile) lookup(command, flag string) *setting {
	if c == nil {
		return nil
	}
	for _, key := range []string{command + "." + flag, flag} {
		if s, ok := c.values[key]; ok {
			return &s
		}
	}
	return nil
}

// readConfig reads the file of --config, or the default one where there is one.
func (g *globals) readConfig(cmd *cobra.Command) (*configFile, error) {
	path := g.config
	if path == "" {
		if s, err := g.lookup(cmd, "config", nil); err == nil && s != nil {
			path = s.value
		}
	}
	must := path != ""
	if !must {
		dir := g.env("XDG_CONFIG_HOME")
		if home := g.env("HOME"); dir == "" && home != "" {
			dir = filepath.Join(home, ".config")
		}
		if dir == "" {
			return nil, nil //nolint:nilnil // no folder, no file
		}
		path = filepath.Join(dir, "leat", "leat.yaml")
	}
	text, err := readBounded(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return nil, nil //nolint:nilnil // no file is no settings
	}
	if err != nil {
		return nil, errcode.New(errcode.BadConfig, "configuration file: %w", err)
	}
	return parseConfig(path, text, cmd.Root())
}

// parseConfig reads text and refuses what no command knows.
func parseConfig(path, text string, root *cobra.Command) (*configFile, error) {
	c := &configFile{path: path, text: text, values: map[string]setting{}}
	doc, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return nil, errcode.New(errcode.BadConfig, "configuration file %s: %w", path, err)
	}
	var errs []error
	for _, d := range doc.Docs {
		errs = append(errs, c.addAll(d.Body, "", knownSettings(root)))
	}
	return c, errors.Join(errs...)
}

// knownSettings has every key of a configuration file: flags, commands, and flags of commands.
func knownSettings(root *cobra.Command) map[string]bool {
	known := map[string]bool{}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			name := commandName(sub)
			known[name] = true
			add := func(f *pflag.Flag) { known[name+"."+f.Name] = true }
			sub.Flags().VisitAll(add)
			root.PersistentFlags().VisitAll(add)
			walk(sub)
		}
	}
	walk(root)
	return known
}

func (c *configFile) addAll(n ast.Node, under string, known map[string]bool) error {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		return c.wrong(n, "a line \"name: value\" belongs here")
	}
	var errs []error
	for _, p := range pairs {
		errs = append(errs, c.add(p, under, known))
	}
	return errors.Join(errs...)
}

func (c *configFile) add(p *ast.MappingValueNode, under string, known map[string]bool) error {
	key := under + p.Key.GetToken().Value
	if !known[key] || key == "config" {
		return c.wrong(p.Key, "no command has the setting %q", key)
	}
	switch v := p.Value.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		if under != "" {
			return c.wrong(v, "%q takes one value", key)
		}
		return c.addAll(v, key+".", known)
	case ast.ScalarNode:
		c.values[key] = setting{
			value: fmt.Sprint(v.GetValue()), origin: fmt.Sprintf("file %s:%d", c.path, v.GetToken().Position.Line),
			at: c.span(v),
		}
		return nil
	default:
		return c.wrong(v, "%q takes one value", key)
	}
}

// span finds the bytes of a node: the library counts lines and columns from 1, in characters.
func (c *configFile) span(n ast.Node) *sqlerr.Span {
	tok := n.GetToken()
	start := 0
	for range tok.Position.Line - 1 {
		start += strings.IndexByte(c.text[start:], '\n') + 1
	}
	for range tok.Position.Column - 1 {
		if start < len(c.text) {
			_, size := utf8.DecodeRuneInString(c.text[start:])
			start += size
		}
	}
	return &sqlerr.Span{Start: start, End: min(start+max(len(tok.Value), 1), len(c.text))}
}

func (c *configFile) wrong(n ast.Node, format string, args ...any) error {
	e := sqlerr.New(sqlerr.Code(errcode.BadConfig), *c.span(n), format, args...)
	return inSource(e, c.path, c.text)
}

// readBounded reads a small file.
func readBounded(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b bytes.Buffer
	if n, err := io.Copy(&b, io.LimitReader(f, maxSetting+1)); err != nil || n > maxSetting {
		return "", errors.Join(fmt.Errorf("read %s, at most %d bytes", path, maxSetting), err)
	}
	return b.String(), nil
}

var urlPassword = regexp.MustCompile(`(://[^/@:\s]*):[^/@\s]*@`)

// redacted hides the passwords in a setting that is shown.
func redacted(s string) string { return urlPassword.ReplaceAllString(s, "$1:xxxxx@") }
