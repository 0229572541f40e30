// pkg-config names the folder of the header: /usr/include/libusb-1.0, or Homebrew's.
#include <libusb.h>
