// A small program for the STM32F407 (it fits the board STM32F4DISCOVERY, whose four LEDs are on
// PD12 to PD15): the four LEDs breathe one after the other, and a counter in RAM counts.
//
// No vendor headers and no library: every address below is from ST's reference manual RM0090 or
// from Arm's ARMv7-M Architecture Reference Manual, and is named where it is used.

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

// RM0090 7.3: clock enables of port D (AHB1, bit 3) and of timer 4 (APB1, bit 2).
#define RCC_AHB1ENR REGISTER(0x40023830)
#define RCC_APB1ENR REGISTER(0x40023840)
// RM0090 8.4: port D, mode of each pin (2 bits) and function of pins 8 to 15 (4 bits).
#define GPIOD_MODER REGISTER(0x40020C00)
#define GPIOD_AFRH REGISTER(0x40020C24)
// RM0090 18.4: timer 4, whose four channels are the alternate function 2 of PD12 to PD15.
#define TIM4_CR1 REGISTER(0x40000800)
#define TIM4_CCMR1 REGISTER(0x40000818)
#define TIM4_CCMR2 REGISTER(0x4000081C)
#define TIM4_CCER REGISTER(0x40000820)
#define TIM4_ARR REGISTER(0x4000082C)
#define TIM4_CCR(channel) REGISTER(0x40000834 + 4 * (channel))
// ARMv7-M B3.3: the system timer.
#define SYST_CSR REGISTER(0xE000E010)
#define SYST_RVR REGISTER(0xE000E014)
#define SYST_CVR REGISTER(0xE000E018)

enum {
  firstLED = 12,
  ledCount = 4,
  clockHertz = 16000000,  // the internal oscillator, which runs after every reset
  levels = 2048,
};

// Found in the file, and in the chip's memory, with `strings`.
const char version[] __attribute__((used, section(".version"))) = "swift-dfu example: blink 1.0";

// In a sector of its own (see blink.ld), so that settings can be replaced without the program;
// `volatile`, because the compiler must not count on the values it sees here.
const volatile struct Settings {
  uint32_t magic;
  uint32_t levelsPerMillisecond;
  char owner[24];
} settings __attribute__((used, section(".settings"))) = {
    .magic = 0x53455454,  // "TTES" in memory
    .levelsPerMillisecond = 2,
    .owner = "nobody yet",
};

// How long to light an LED, of 65 536, for each step of brightness: the eye sees roughly the cube
// root of the light (CIE 1931), so even steps for the eye want a cube. 4 KiB of the image are this
// table, which gives the flasher something to do.
#define R1(i) ((uint64_t)(i) * (i) * (i) * 65535 / ((uint64_t)levels * levels * levels))
#define R4(i) R1(i), R1((i) + 1), R1((i) + 2), R1((i) + 3)
#define R16(i) R4(i), R4((i) + 4), R4((i) + 8), R4((i) + 12)
#define R64(i) R16(i), R16((i) + 16), R16((i) + 32), R16((i) + 48)
#define R256(i) R64(i), R64((i) + 64), R64((i) + 128), R64((i) + 192)
#define R1024(i) R256(i), R256((i) + 256), R256((i) + 512), R256((i) + 768)
static const uint16_t ramp[levels] = {R1024(0), R1024(1024)};

// Initialised data: kept in flash, copied to RAM by `reset`. The order in which the LEDs breathe.
volatile uint8_t order[ledCount] = {0, 1, 2, 3};

// Zeroed by `reset`. Read it with a debugger.
volatile uint32_t milliseconds;

// Up the ramp and down again.
static uint32_t brightness(uint32_t time) {
  uint32_t place = time % (2 * levels);
  return ramp[place < levels ? place : 2 * levels - 1 - place];
}

static void run(void) {
  RCC_AHB1ENR |= 1u << 3;
  RCC_APB1ENR |= 1u << 2;
  (void)RCC_APB1ENR;  // RM0090 7.2: a peripheral answers two cycles after its clock is enabled
  GPIOD_AFRH = (GPIOD_AFRH & 0x0000FFFF) | 0x22220000;
  GPIOD_MODER = (GPIOD_MODER & 0x00FFFFFF) | 0xAA000000;  // alternate function
  TIM4_ARR = 65535;
  TIM4_CCMR1 = 0x6868;  // PWM mode 1, preloaded, on channels 1 and 2
  TIM4_CCMR2 = 0x6868;  // and on 3 and 4
  TIM4_CCER = 0x1111;   // all four outputs enabled
  TIM4_CR1 = 1;
  SYST_RVR = clockHertz / 1000 - 1;
  SYST_CVR = 0;
  SYST_CSR = 7;  // count core clocks, interrupt, enabled

  uint32_t pace = settings.magic == 0x53455454 ? settings.levelsPerMillisecond : 1;
  for (;;) {
    uint32_t now = milliseconds * pace;
    for (uint32_t led = 0; led < ledCount; led += 1) {
      TIM4_CCR(led) = brightness(now + order[led] * (levels / 2));
    }
    __asm volatile("wfi");
  }
}

static void tick(void) { milliseconds += 1; }

static void stop(void) {
  for (;;) {
  }
}

// Names given by the linker script; only their addresses mean something.
extern uint32_t stackTop, dataInFlash, dataStart, dataEnd, bssStart, bssEnd;

void reset(void) {
  // `volatile` keeps the compiler from turning the loops into calls of memcpy and memset, which a
  // program without a library does not have.
  volatile uint32_t *to = &dataStart;
  for (const uint32_t *from = &dataInFlash; to < &dataEnd; from += 1, to += 1) *to = *from;
  for (to = &bssStart; to < &bssEnd; to += 1) *to = 0;
  run();
}

// ARMv7-M B1.5.3: the initial stack pointer, then the handlers of exceptions 1 to 15. No interrupt
// of the chip is enabled, so the table ends there.
typedef void (*Handler)(void);
const struct {
  uint32_t *stack;
  Handler handlers[15];
} vectors __attribute__((used, section(".vectors"))) = {
    .stack = &stackTop,
    .handlers =
        {
            reset, stop, stop, stop, stop, stop,  // reset, NMI, hard, memory, bus and usage fault
            0, 0, 0, 0,                           // reserved
            stop, stop, 0, stop, tick,            // supervisor call, debug, reserved, PendSV, SysTick
        },
};
