package service

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// attrs are what the log says of a policy.
func (l *loaded) attrs() []any {
	attrs := []any{slog.String("policy", l.name), slog.String("sha256", l.sha256)}
	if v := l.voucher; v != nil {
		attrs = append(attrs, slog.String("signed_policy", v.Summary()))
	}
	return attrs
}

// report logs what a reload changed, each thing once.
func (p *Policies) report(old, set *policySet) {
	if set.err != nil {
		if old.err == nil || old.err.Error() != set.err.Error() {
			p.config.Logger.Error("policy directory cannot be read, keeping what is loaded", slog.String("error", set.err.Error()))
		}
		return
	}
	for _, name := range sortedKeys(set.loaded) {
		if now, before := set.loaded[name], old.loaded[name]; now != before {
			p.config.Logger.Info("policy loaded", now.attrs()...)
		}
	}
	for _, name := range sortedKeys(old.loaded) {
		if set.loaded[name] == nil {
			p.config.Logger.Info("policy removed", slog.String("policy", name))
		}
	}
	for _, name := range sortedKeys(set.broken) {
		now := set.broken[name]
		if before, ok := old.broken[name]; !ok || before.sha256 != now.sha256 || before.err.Error() != now.err.Error() {
			p.config.Logger.Error("policy file cannot be used", slog.String("policy", name),
				slog.Bool("keeping_old", set.loaded[name] != nil), slog.String("error", now.err.Error()))
		}
	}
	for _, name := range sortedKeys(old.broken) {
		if _, still := set.broken[name]; !still {
			p.config.Logger.Info("policy file no longer broken", slog.String("policy", name))
		}
	}
}
