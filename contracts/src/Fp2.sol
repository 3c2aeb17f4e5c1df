// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {BN254} from "./BN254.sol";

/// Arithmetic in Fp2 = Fp[i]/(i^2 + 1). An element is two words, the real part first, both below P.
library Fp2 {
    uint256 private constant P = BN254.P;
    /// The exponent of a square root, since P = 3 (mod 4).
    uint256 private constant ROOT = (P + 1) / 4;
    uint256 private constant HALF = (P + 1) / 2;

    function add(uint256 a0, uint256 a1, uint256 b0, uint256 b1) internal pure returns (uint256, uint256) {
        return (addmod(a0, b0, P), addmod(a1, b1, P));
    }

    function sub(uint256 a0, uint256 a1, uint256 b0, uint256 b1) internal pure returns (uint256, uint256) {
        unchecked {
            return (addmod(a0, P - b0, P), addmod(a1, P - b1, P));
        }
    }

    function mul(uint256 a0, uint256 a1, uint256 b0, uint256 b1) internal pure returns (uint256, uint256) {
        unchecked {
            return (
                addmod(mulmod(a0, b0, P), P - mulmod(a1, b1, P), P), addmod(mulmod(a0, b1, P), mulmod(a1, b0, P), P)
            );
        }
    }

    function square(uint256 a0, uint256 a1) internal pure returns (uint256, uint256) {
        unchecked {
            // (a0 + a1)(a0 - a1) and 2 a0 a1. Sums of two elements stay below 2^256.
            return (mulmod(a0 + a1, a0 + P - a1, P), mulmod(a0 + a0, a1, P));
        }
    }

    /// The inverse, or zero for zero.
    function inverse(uint256 a0, uint256 a1) internal view returns (uint256, uint256) {
        unchecked {
            uint256 factor = BN254.power(norm(a0, a1), P - 2);
            return (mulmod(a0, factor, P), mulmod(P - a1, factor, P));
        }
    }

    /// The square root whose real part is a square other than zero; `exists` is false when there is none.
    function squareRoot(uint256 a0, uint256 a1) internal view returns (bool exists, uint256 r0, uint256 r1) {
        unchecked {
            uint256 squaredNorm = norm(a0, a1);
            uint256 rootOfNorm = BN254.power(squaredNorm, ROOT);
            if (mulmod(rootOfNorm, rootOfNorm, P) != squaredNorm) return (false, 0, 0);

            // r0^2 is one of (a0 +- |a|) / 2: their product -(a1/2)^2 is no square, so at most one of them is.
            uint256 candidate = mulmod(addmod(a0, rootOfNorm, P), HALF, P);
            r0 = BN254.power(candidate, ROOT);
            if (mulmod(r0, r0, P) != candidate) {
                candidate = mulmod(addmod(a0, P - rootOfNorm, P), HALF, P);
                r0 = BN254.power(candidate, ROOT);
            }
            // This power of a square is itself a square, so r0 is the wanted one of the two roots.
            r1 = mulmod(a1, BN254.power(addmod(r0, r0, P), P - 2), P);

            (uint256 s0, uint256 s1) = square(r0, r1);
            exists = r0 != 0 && s0 == a0 && s1 == a1;
        }
    }

    function norm(uint256 a0, uint256 a1) private pure returns (uint256) {
        return addmod(mulmod(a0, a0, P), mulmod(a1, a1, P), P);
    }
}
