package kit

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/nitroattest/nitroattest/internal/plain"
	"github.com/nitroattest/nitroattest/internal/vectors"
)

// WriteTable writes the report as text: a table by flag, what was judged
// wrongly by whom that serves, and at most that many findings; 0 is all.
func (r *Report) WriteTable(w io.Writer, findings int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "flag\tcases\tright\tallowed\twrongly accepted\twrongly refused\tunsupported\tother reason\t")
	for _, row := range append(r.Flags, Row{"all", r.Total.Cases, r.Total.Count, r.Total.OtherReasons}) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", row.Flag, row.Cases, row.Count[Right], row.Count[Allowed],
			row.Count[WronglyAccepted], row.Count[WronglyRefused]+row.Count[OtherImage], row.Count[NotSupported], row.OtherReasons)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		fmt.Fprintln(w)
	}
	for i, f := range r.Findings {
		if findings > 0 && i == findings {
			fmt.Fprintf(w, "and %d more\n", len(r.Findings)-i)
			break
		}
		fmt.Fprintf(w, "%s: %d %s: expected %s, found %s (who can make it: %s): %s\n",
			f.Grade, f.ID, f.Name, f.Expected, plain.Text(f.Found), f.Attacker, f.Comment)
	}
	fmt.Fprintln(w)
	_, err := fmt.Fprintln(w, r.summary())
	return err
}

func (r *Report) summary() string {
	wrong := map[string]int{}
	for _, f := range r.Findings {
		if f.Grade == WronglyAccepted {
			wrong[f.Attacker]++
		}
	}
	unsupported := r.Total.Count[NotSupported]
	switch {
	case wrong[vectors.Anyone]+wrong[vectors.Enclave] > 0:
		return fmt.Sprintf("CAN BE DECEIVED: accepts %d cases that anyone can make, %d of whoever can start an enclave, %d of an issuer's and %d wrong policies",
			wrong[vectors.Anyone], wrong[vectors.Enclave], wrong[vectors.Issuer], wrong[vectors.Author])
	case r.Total.Wrong() > 0:
		return fmt.Sprintf("DOES NOT CONFORM: %d of %d cases were judged wrongly", r.Total.Wrong(), r.Total.Cases)
	case unsupported > 0:
		return fmt.Sprintf("INCOMPLETE: no case was judged wrongly, %d of %d were not judged", unsupported, r.Total.Cases)
	}
	return fmt.Sprintf("CONFORMS: all %d cases", r.Total.Cases)
}
