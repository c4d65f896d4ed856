package service

import (
	"encoding/hex"
	"time"
)

// brief is a verdict for callers that act on it and keep no report. Building a
// full one takes a tenth of the time that its signature does.
type brief struct {
	head
	Accepted  bool   `json:"accepted"`
	Authentic bool   `json:"authentic"`
	Reason    string `json:"reason"`
	Detail    string `json:"detail"`
	Debug     bool   `json:"debug"`

	// Null unless the document is authentic, ImageName unless an image matched.
	ImageName *string    `json:"image_name"`
	ModuleID  *string    `json:"module_id"`
	Timestamp *time.Time `json:"timestamp"`
	PublicKey *string    `json:"public_key"`
	UserData  *string    `json:"user_data"`
}

func (v *verdict) brief(head head) brief {
	b := brief{head: head, Accepted: v.accepted(), Authentic: v.report.Authentic(), Reason: v.reason, Detail: v.detail, Debug: v.report.Debug}
	if v.report.Image != nil {
		b.ImageName = &v.report.Image.Name
	}
	if document := v.report.Document; document != nil {
		b.ModuleID, b.Timestamp = &document.ModuleID, &document.Timestamp
		b.PublicKey, b.UserData = hexOrNull(document.PublicKey), hexOrNull(document.UserData)
	}
	return b
}

func hexOrNull(value []byte) *string {
	if value == nil {
		return nil
	}
	text := hex.EncodeToString(value)
	return &text
}
