package nsm

// Error is the name of an error that a Nitro Security Module answers with
// (ErrorCode in src/api of aws/aws-nitro-enclaves-nsm-api).
type Error string

// The errors that are known. A module may answer with others.
const (
	InvalidArgument  Error = "InvalidArgument"
	InvalidIndex     Error = "InvalidIndex"     // there is no such register
	InvalidResponse  Error = "InvalidResponse"  // the module did not answer the request
	ReadOnlyIndex    Error = "ReadOnlyIndex"    // the register is locked
	InvalidOperation Error = "InvalidOperation" // the module does not understand the request
	BufferTooSmall   Error = "BufferTooSmall"   // the response does not fit
	InputTooLarge    Error = "InputTooLarge"    // the request is longer than 4096 bytes
	InternalError    Error = "InternalError"
)

// Error implements the error interface.
func (e Error) Error() string { return "Nitro Security Module: " + string(e) }
