// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {BN254, G2Point} from "./BN254.sol";
import {Fp2} from "./Fp2.sol";
import {G2Jacobian} from "./G2Jacobian.sol";

/// Maps a message to a point of the prime-order subgroup of G2: counters are tried until one yields an x coordinate on the
/// twist, then the cofactor is cleared.
library HashToG2 {
    uint256 private constant P = BN254.P;
    uint256 private constant TWO_POW_256_MOD_P =
        6350874878119819312338956282401532409788428879151445726012394534686998597021;
    /// 3 / (9 + i), the constant of the twist.
    uint256 private constant TWIST_B_REAL =
        19485874751759354771024239261021720505790618469301721065564631296452457478373;
    uint256 private constant TWIST_B_IMAGINARY =
        266929791119991161246907387137283842545076965332900288569378510910307636690;

    error NoPointFound();

    /// `tag` is the domain separation tag of RFC 9380's expand_message_xmd.
    function hashToG2(bytes memory message, bytes32 tag) internal view returns (G2Point memory) {
        for (uint256 counter = 0; counter < 256; counter++) {
            (bytes32 b1, bytes32 b2, bytes32 b3, bytes32 b4) = expand(message, uint8(counter), tag);
            // Two integers of 48 bytes, so that the bias of the reduction is negligible.
            uint256 x0 = addmod(mulmod(uint256(b1), 1 << 128, P), uint256(b2) >> 128, P);
            uint256 x1 = addmod(mulmod(uint128(uint256(b2)), TWO_POW_256_MOD_P, P), uint256(b3), P);
            (bool exists, uint256 y0, uint256 y1) = twistY(x0, x1);
            if (!exists) continue;
            if (uint256(b4) & 1 == 1) (y0, y1) = Fp2.sub(0, 0, y0, y1);
            return G2Jacobian.clearCofactor(G2Point(x0, x1, y0, y1));
        }
        // Probability 2^-256.
        revert NoPointFound();
    }

    /// expand_message_xmd (RFC 9380 5.3.1) of message | counter with keccak256, to 128 bytes.
    function expand(bytes memory message, uint8 counter, bytes32 tag)
        private
        pure
        returns (bytes32 b1, bytes32 b2, bytes32 b3, bytes32 b4)
    {
        // DST | length of DST.
        bytes memory domain = abi.encodePacked(tag, uint8(32));
        // Zeros fill keccak256's block of 136 bytes.
        bytes memory zeroBlock = new bytes(136);
        bytes32 b0 = keccak256(abi.encodePacked(zeroBlock, message, counter, uint16(128), uint8(0), domain));
        b1 = keccak256(abi.encodePacked(b0, uint8(1), domain));
        b2 = keccak256(abi.encodePacked(b0 ^ b1, uint8(2), domain));
        b3 = keccak256(abi.encodePacked(b0 ^ b2, uint8(3), domain));
        b4 = keccak256(abi.encodePacked(b0 ^ b3, uint8(4), domain));
    }

    function twistY(uint256 x0, uint256 x1) private view returns (bool exists, uint256 y0, uint256 y1) {
        (uint256 t0, uint256 t1) = Fp2.square(x0, x1);
        (t0, t1) = Fp2.mul(t0, t1, x0, x1);
        (t0, t1) = Fp2.add(t0, t1, TWIST_B_REAL, TWIST_B_IMAGINARY);
        return Fp2.squareRoot(t0, t1);
    }
}
