// No door of the module.
#pragma once
