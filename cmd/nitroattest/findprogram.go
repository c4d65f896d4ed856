package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// findProgram looks for a program of ours beside this one and then on PATH. What
// only few need is in such programs, so that this one stays free of its
// dependencies. folder is where the program is in the repository.
func findProgram(name, folder string) (string, error) {
	file := name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			beside := filepath.Join(filepath.Dir(self), file)
			if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
				return beside, nil
			}
		}
	}
	path, err := exec.LookPath(file)
	if err != nil {
		return "", hintf(fmt.Errorf("the program %s is neither beside nitroattest nor on PATH", name),
			"go install ./%[1]s installs it from a clone, and go install github.com/nitroattest/nitroattest/%[1]s@latest without one", folder)
	}
	return path, nil
}
