package main

import (
	"strings"
	"testing"

	"github.com/nitroattest/nitroattest/internal/form/formtest"
)

func TestFormsAreThoseOfTheExpressions(t *testing.T) {
	t.Parallel()
	formtest.Compare(t, `^arn:aws[a-z0-9-]*:iam::[0-9]{12}:role/([\x21-\x7e]+/)?[0-9A-Za-z+=,.@_-]{1,64}$`, isRoleARN,
		"arn:aws:iam::123456789012:role/Webserver", "arn:aws-cn:iam::123456789012:role/a:b//+=,.@_-", "arn:aws:iam::123456789012:role//",
		"arn:aws:iam::123456789012:role/a/b/"+strings.Repeat("c", 64))
	formtest.Compare(t, `^arn:aws[a-z0-9-]*:(iam|sts)::[0-9]{12}:[\x21-\x7e]+$`, isPrincipalARN,
		"arn:aws:iam::123456789012:user/u", "arn:aws-us-gov:sts::123456789012:assumed-role/a/b:c", "*")
	formtest.Compare(t, `^i-([0-9a-f]{8}|[0-9a-f]{17})$`, isInstanceID, "i-01234567", "i-0123456789abcdef0", "i-012345678")
}
