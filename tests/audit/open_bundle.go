// Open a case's bundle with the Go project's own note and tlog packages (the code behind sum.golang.org):
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run open_bundle.go events|prefixes|whole|exchanges VKEY_FILE BUNDLE
//
// events: each event's .tlog-proof leads to the signed head.  prefixes: each anchor's signed head is an earlier state of the
// log.  whole: every line of entries.jsonl recomputes to the signed head.  exchanges: the lists in payloads lead to the roots
// that events bind.  Exit 0 and one line, or 1 and the reason.
package main

import (
	"bufio"
	"bytes"
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

type head struct {
	size int64
	root tlog.Hash
}

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

func main() {
	asks := map[string]func(string, string) (string, error){"events": events, "prefixes": prefixes, "whole": whole, "exchanges": exchanges}
	line, err := asks[os.Args[1]](os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "rejected:", err)
		os.Exit(1)
	}
	fmt.Println(line)
}

// signed opens a note with any of the keys in the file and returns the head that it signs.
func signed(vkeyFile string, raw []byte) (head, error) {
	listed, err := os.ReadFile(vkeyFile)
	if err != nil {
		return head{}, err
	}
	var verifiers []note.Verifier
	for _, vkey := range strings.Fields(string(listed)) {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return head{}, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(raw, note.VerifierList(verifiers...))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifiers[0].Name() {
		return head{}, errors.New("the head is another log's")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return head{size, root}, err
}

func events(vkeyFile, bundle string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(bundle, "log/checkpoint"))
	if err != nil {
		return "", err
	}
	files, _ := filepath.Glob(filepath.Join(bundle, "events/*.json"))
	for _, file := range files {
		leaf, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		proof, err := os.ReadFile(file + ".tlog-proof")
		if err != nil {
			return "", err
		}
		if err := included(vkeyFile, leaf, proof, raw); err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return fmt.Sprintf("%d events stand in the log", len(files)), nil
}

// included follows a c2sp.org/tlog-proof: header, index, hashes, an empty line, the signed head.
func included(vkeyFile string, leaf, proof, checkpoint []byte) error {
	upper, lower, found := bytes.Cut(proof, []byte("\n\n"))
	lines := strings.Split(string(upper), "\n")
	if !found || !bytes.Equal(lower, checkpoint) || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no proof for this head")
	}
	top, err := signed(vkeyFile, lower)
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var record tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		record = append(record, hash)
	}
	return tlog.CheckRecord(record, top.size, top.root, index, tlog.RecordHash(leaf))
}

// grown recomputes the tree line by line and tells each size's root to see.
func grown(bundle string, see func(size int64, hashes stored) error) (int64, error) {
	file, err := os.Open(filepath.Join(bundle, "log/entries.jsonl"))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	var hashes stored
	var size int64
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<17)
	for lines.Scan() {
		added, err := tlog.StoredHashes(size, lines.Bytes(), hashes)
		if err != nil {
			return 0, err
		}
		hashes = append(hashes, added...)
		size++
		if err := see(size, hashes); err != nil {
			return 0, err
		}
	}
	return size, lines.Err()
}

func prefixes(vkeyFile, bundle string) (string, error) {
	files, _ := filepath.Glob(filepath.Join(bundle, "log/anchors/*.checkpoint"))
	anchored := map[int64]tlog.Hash{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		earlier, err := signed(vkeyFile, raw)
		if err != nil {
			return "", fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		anchored[earlier.size] = earlier.root
	}
	seen := 0
	_, err := grown(bundle, func(size int64, hashes stored) error {
		root, known := anchored[size]
		if !known {
			return nil
		}
		seen++
		if now, err := tlog.TreeHash(size, hashes); err != nil || now != root {
			return fmt.Errorf("the anchor of %d entries is no prefix of the log", size)
		}
		return nil
	})
	if err == nil && (seen != len(anchored) || seen == 0) {
		err = errors.New("an anchor is larger than the log, or there is none")
	}
	return fmt.Sprintf("%d anchors are prefixes of the log", seen), err
}

func whole(vkeyFile, bundle string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(bundle, "log/checkpoint"))
	if err != nil {
		return "", err
	}
	top, err := signed(vkeyFile, raw)
	if err != nil {
		return "", err
	}
	var last tlog.Hash
	size, err := grown(bundle, func(size int64, hashes stored) error {
		if size != top.size {
			return nil
		}
		last, err = tlog.TreeHash(size, hashes)
		return err
	})
	if err == nil && (size != top.size || last != top.root) {
		err = fmt.Errorf("%d lines do not lead to the signed root", size)
	}
	return fmt.Sprintf("%d entries recompute to the signed root", size), err
}

// exchanges holds each payload's list against the count and root of its event: a tree over the entries as they are written.
// An event without a list names a root that an earlier one explained, or one whose payload was erased.
func exchanges(_, bundle string) (string, error) {
	files, _ := filepath.Glob(filepath.Join(bundle, "events/*.json"))
	known := map[string]bool{}
	for _, file := range files {
		var event struct{ Evidence json.RawMessage }
		var bound struct {
			Count int64
			Root  string
		}
		raw, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(raw, &event) != nil {
			return "", fmt.Errorf("%s: cannot be read", filepath.Base(file))
		}
		if json.Unmarshal(event.Evidence, &bound) != nil || bound.Root == "" {
			continue // no evidence, or a list of files
		}
		var payload struct{ Exchanges []json.RawMessage }
		raw, err = os.ReadFile(filepath.Join(bundle, "payloads", filepath.Base(file)))
		if err == nil && json.Unmarshal(raw, &payload) != nil {
			return "", fmt.Errorf("%s: its payload cannot be read", filepath.Base(file))
		}
		if payload.Exchanges != nil {
			root, err := over(payload.Exchanges)
			if err != nil || root != bound.Root || int64(len(payload.Exchanges)) != bound.Count {
				return "", fmt.Errorf("%s: its payload lists other exchanges", filepath.Base(file))
			}
		} else if err == nil && !known[bound.Root] {
			return "", fmt.Errorf("%s: no payload up to here lists its exchanges", filepath.Base(file))
		}
		known[bound.Root] = true
	}
	return fmt.Sprintf("%d lists of exchanges are those that events bind", len(known)), nil
}

func over(entries []json.RawMessage) (string, error) {
	var hashes stored
	for size, entry := range entries {
		added, err := tlog.StoredHashes(int64(size), entry, hashes)
		if err != nil {
			return "", err
		}
		hashes = append(hashes, added...)
	}
	root, err := tlog.TreeHash(int64(len(entries)), hashes)
	return hex.EncodeToString(root[:]), err
}
