// The only file of the plugin that sees generated code.
#include <ionstream/v1/record.pb.h>
