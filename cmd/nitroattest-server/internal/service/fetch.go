package service

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nitroattest/nitroattest/attestation"
	"github.com/nitroattest/nitroattest/certs"
)

// Lists fetches the revocation lists that the certificates of a chain name;
// *crlfetch.Updater does. It refuses a chain that leads to no trusted root, and
// asks for no list again and again, whoever sends what.
type Lists interface {
	Update(ctx context.Context, chain certs.Chain, at time.Time) error
}

// fetchTimeout bounds how long a request waits for lists. Fetching goes on after
// it, for the next one.
const fetchTimeout = 5 * time.Second

// reportWithLists fetches what was lacking, if that is all that a document was
// refused for, without a place among those that are verified.
func (s *Service) reportWithLists(ctx context.Context, x *exchange) (*attestation.Report, error) {
	report, err := s.report(ctx, x)
	if err != nil || s.config.Lists == nil || !lacksList(report) {
		return report, err
	}
	u, err := attestation.ParseUnverified(x.evidence)
	if err != nil {
		return report, nil // which says so
	}
	fetching, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	chain := certs.Chain{Bundle: u.CABundle, Leaf: u.Certificate, ModuleID: u.Document.ModuleID}
	if err := s.config.Lists.Update(fetching, chain, time.Now()); err != nil {
		s.config.Logger.Warn("revocation list cannot be fetched", slog.String("error", err.Error()))
	}
	return s.report(ctx, x)
}

func lacksList(report *attestation.Report) bool {
	_, err := report.Result()
	return errors.Is(err, certs.RevocationUnknown)
}
