package service

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// report logs what a reload changed, each thing once.
func (p *Policies) report(old, set *policySet) {
	if set.err != nil {
		if old.err == nil || old.err.Error() != set.err.Error() {
			p.logger.Error("policy directory cannot be read, keeping what is loaded", slog.String("error", set.err.Error()))
		}
		return
	}
	for _, name := range sortedKeys(set.loaded) {
		if now, before := set.loaded[name], old.loaded[name]; now != before {
			p.logger.Info("policy loaded", slog.String("policy", name), slog.String("sha256", now.sha256))
		}
	}
	for _, name := range sortedKeys(old.loaded) {
		if set.loaded[name] == nil {
			p.logger.Info("policy removed", slog.String("policy", name))
		}
	}
	for _, name := range sortedKeys(set.broken) {
		now := set.broken[name]
		if before, ok := old.broken[name]; !ok || before.sha256 != now.sha256 || before.err.Error() != now.err.Error() {
			p.logger.Error("policy file cannot be used", slog.String("policy", name),
				slog.Bool("keeping_old", set.loaded[name] != nil), slog.String("error", now.err.Error()))
		}
	}
	for _, name := range sortedKeys(old.broken) {
		if _, still := set.broken[name]; !still {
			p.logger.Info("policy file no longer broken", slog.String("policy", name))
		}
	}
}
