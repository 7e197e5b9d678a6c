// No door of the room.
#pragma once
