// Open an exported trail with the Go project's own note and tlog packages (the code behind sum.golang.org):
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run open_checkpoint.go VKEY_FILE FOLDER
//
// Exit 0 and one line when everything holds, 1 and the reason when it does not.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s)) {
			return nil, errors.New("no such hash")
		}
		found[i] = s[index]
	}
	return found, nil
}

type leafFrame struct {
	Log, Case, Prev string
	Seq             int
}

func main() {
	line, err := open(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "rejected:", err)
		os.Exit(1)
	}
	fmt.Println(line)
}

func open(vkeyFile, folder string) (string, error) {
	vkey, err := os.ReadFile(vkeyFile)
	if err != nil {
		return "", err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return "", err
	}
	raw, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return "", err
	}
	opened, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		return "", err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return "", errors.New("the head is another log's")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return "", err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return "", err
	}
	entries, err := os.ReadFile(filepath.Join(folder, "entries.jsonl"))
	if err != nil {
		return "", err
	}
	leaves := bytes.SplitAfter(entries, []byte("\n"))
	leaves = leaves[:len(leaves)-1]
	if int64(len(leaves)) != size {
		return "", fmt.Errorf("%d entries, %d were signed", len(leaves), size)
	}
	if err := checkTree(leaves, size, root); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %d %s", lines[0], size, lines[2]), checkChains(leaves, lines[0])
}

// checkTree recomputes the root, then lets tlog prove and check each record and the growth from each earlier size.
func checkTree(leaves [][]byte, size int64, root tlog.Hash) error {
	var hashes stored
	roots := make([]tlog.Hash, size+1)
	for n, leaf := range leaves {
		added, err := tlog.StoredHashes(int64(n), bytes.TrimSuffix(leaf, []byte("\n")), hashes)
		if err != nil {
			return err
		}
		hashes = append(hashes, added...)
		if roots[n+1], err = tlog.TreeHash(int64(n+1), hashes); err != nil {
			return err
		}
	}
	if roots[size] != root {
		return errors.New("the entries have another root")
	}
	for n := int64(0); n < size; n++ {
		record, err := tlog.ProveRecord(size, n, hashes)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash(bytes.TrimSuffix(leaves[n], []byte("\n")))
		if err := tlog.CheckRecord(record, size, root, n, leaf); err != nil {
			return err
		}
		tree, err := tlog.ProveTree(size, n+1, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(tree, size, root, n+1, roots[n+1]); err != nil {
			return err
		}
	}
	return nil
}

func checkChains(leaves [][]byte, origin string) error {
	type link struct {
		seq  int
		prev string
	}
	last := map[string]link{}
	for n, line := range leaves {
		leaf := bytes.TrimSuffix(line, []byte("\n"))
		var said leafFrame
		if err := json.Unmarshal(leaf, &said); err != nil {
			return err
		}
		expected, known := last[said.Case]
		if !known {
			expected = link{0, strings.Repeat("0", 64)}
		}
		if said.Log != origin || said.Seq != expected.seq || said.Prev != expected.prev {
			return fmt.Errorf("line %d: the case's chain is broken", n)
		}
		digest := sha256.Sum256(leaf)
		last[said.Case] = link{said.Seq + 1, hex.EncodeToString(digest[:])}
	}
	return nil
}
