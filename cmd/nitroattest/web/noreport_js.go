//go:build js && wasm && noreport

package main

import "github.com/nitroattest/nitroattest/cmd/nitroattest/web/internal/api"

func addReport(map[string]any, *api.Library) {}
