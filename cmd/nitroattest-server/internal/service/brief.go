package service

// brief appends the verdict for callers that act on it and keep no report, which
// would take a tenth of the time that the signature does. What the document says
// is null unless it is authentic, and image_name unless an image matched.
func (v *verdict) brief(dst []byte, head head) []byte {
	o := newObject(dst)
	o.text("report", &head.Report)
	o.text("policy", &head.Policy)
	o.text("policy_sha256", &head.PolicySHA256)
	o.raw("signed_policy", head.SignedPolicy)
	o.text("challenge", head.Challenge)
	o.text("ear", head.EAR)
	o.bool("accepted", v.accepted())
	o.bool("authentic", v.report.Authentic())
	o.text("reason", &v.reason)
	o.text("detail", &v.detail)
	o.bool("debug", v.report.Debug)
	if v.report.Image != nil {
		o.text("image_name", &v.report.Image.Name)
	} else {
		o.null("image_name")
	}
	if d := v.report.Document; d != nil {
		o.text("module_id", &d.ModuleID)
		o.time("timestamp", d.Timestamp)
		o.hex("public_key", d.PublicKey)
		o.hex("user_data", d.UserData)
	} else {
		o.null("module_id")
		o.null("timestamp")
		o.null("public_key")
		o.null("user_data")
	}
	return o.end()
}
