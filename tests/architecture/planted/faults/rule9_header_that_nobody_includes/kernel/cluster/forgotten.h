// FAULT: nobody includes this.
#pragma once
