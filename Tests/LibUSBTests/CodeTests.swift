import CLibUSB
import Testing
import USB

@testable import LibUSB

@Suite("What libusb says")
struct CodeTests {
  struct CodeCase: CustomTestStringConvertible {
    var code: libusb_error
    var transfer: TransferError.Code
    var host: HostError.Code
    var name: String

    init(
      _ code: libusb_error, _ transfer: TransferError.Code, _ host: HostError.Code, _ name: String
    ) {
      (self.code, self.transfer, self.host, self.name) = (code, transfer, host, name)
    }

    var testDescription: String { name }

    static let all = [
      CodeCase(LIBUSB_ERROR_IO, .protocolError, .other, "LIBUSB_ERROR_IO"),
      CodeCase(LIBUSB_ERROR_INVALID_PARAM, .other, .other, "LIBUSB_ERROR_INVALID_PARAM"),
      CodeCase(LIBUSB_ERROR_ACCESS, .permission, .permission, "LIBUSB_ERROR_ACCESS"),
      CodeCase(LIBUSB_ERROR_NO_DEVICE, .disconnected, .notFound, "LIBUSB_ERROR_NO_DEVICE"),
      CodeCase(LIBUSB_ERROR_NOT_FOUND, .unsupported, .notFound, "LIBUSB_ERROR_NOT_FOUND"),
      CodeCase(LIBUSB_ERROR_BUSY, .busy, .busy, "LIBUSB_ERROR_BUSY"),
      CodeCase(LIBUSB_ERROR_TIMEOUT, .timeout, .other, "LIBUSB_ERROR_TIMEOUT"),
      CodeCase(LIBUSB_ERROR_OVERFLOW, .overflow, .other, "LIBUSB_ERROR_OVERFLOW"),
      CodeCase(LIBUSB_ERROR_PIPE, .stall, .other, "LIBUSB_ERROR_PIPE"),
      CodeCase(LIBUSB_ERROR_INTERRUPTED, .other, .other, "LIBUSB_ERROR_INTERRUPTED"),
      CodeCase(LIBUSB_ERROR_NO_MEM, .other, .other, "LIBUSB_ERROR_NO_MEM"),
      CodeCase(
        LIBUSB_ERROR_NOT_SUPPORTED, .unsupported, .unreachable, "LIBUSB_ERROR_NOT_SUPPORTED"),
      CodeCase(LIBUSB_ERROR_OTHER, .other, .other, "LIBUSB_ERROR_OTHER"),
    ]
  }

  @Test(arguments: CodeCase.all)
  func `every error code of libusb's header has its kind`(_ row: CodeCase) {
    let code = LibUSBCode(row.code.rawValue)
    #expect(code.transferCode == row.transfer)
    #expect(code.hostCode == row.host)
    #expect(code.name == row.name)
  }

  @Test func `a code of a later libusb is told by its number`() {
    #expect(LibUSBCode(-77).transferCode == .other)
    #expect(LibUSBCode(-77).detail == "libusb error -77")
  }

  @Test func `every status of a transfer has its kind`() {
    let rows: [(libusb_transfer_status, TransferError.Code?)] = [
      (LIBUSB_TRANSFER_COMPLETED, nil), (LIBUSB_TRANSFER_ERROR, .protocolError),
      (LIBUSB_TRANSFER_TIMED_OUT, .timeout), (LIBUSB_TRANSFER_CANCELLED, .cancelled),
      (LIBUSB_TRANSFER_STALL, .stall), (LIBUSB_TRANSFER_NO_DEVICE, .disconnected),
      (LIBUSB_TRANSFER_OVERFLOW, .overflow),
    ]
    for (status, code) in rows {
      #expect(TransferStatus(rawValue: status.rawValue).transferCode == code, "\(status)")
    }
    #expect(TransferStatus(rawValue: 99).transferCode == .other)
  }

  @Test func `speeds are those of libusb's header`() {
    let rows: [(libusb_speed, USBSpeed)] = [
      (LIBUSB_SPEED_UNKNOWN, .full), (LIBUSB_SPEED_LOW, .low), (LIBUSB_SPEED_FULL, .full),
      (LIBUSB_SPEED_HIGH, .high), (LIBUSB_SPEED_SUPER, .superSpeed),
      (LIBUSB_SPEED_SUPER_PLUS, .superSpeedPlus),
    ]
    for (speed, expected) in rows {
      #expect(USBSpeed(libusb: Int32(bitPattern: speed.rawValue)) == expected)
    }
  }

  @Test func `a timeout is never 0, which would be for ever`() {
    #expect(milliseconds(.zero) == 1)
    #expect(milliseconds(.seconds(-5)) == 1)
    #expect(milliseconds(.microseconds(1)) == 1)
    #expect(milliseconds(.microseconds(1001)) == 2)
    #expect(milliseconds(.milliseconds(1500)) == 1500)
    #expect(milliseconds(.seconds(Int64.max)) == .max)
    #expect(milliseconds(.seconds(5_000_000)) == .max)
  }
}
