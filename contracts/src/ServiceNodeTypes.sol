// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {G1Point} from "./BN254.sol";

/// A point of G2, the real part of each coordinate first.
struct BLSSignatureParams {
    uint256 sigs0;
    uint256 sigs1;
    uint256 sigs2;
    uint256 sigs3;
}

/// The Ed25519 key, its signature over itself and the BLS key in two halves, and the operator's fee in basis points.
struct ServiceNodeParams {
    uint256 serviceNodePubkey;
    uint256 serviceNodeSignature1;
    uint256 serviceNodeSignature2;
    uint16 fee;
}

/// Who owns a stake, and who receives its rewards.
struct Staker {
    address addr;
    address beneficiary;
}

struct Contributor {
    Staker staker;
    uint256 stakedAmount;
}

/// A member. `next` and `prev` link the list in the order of registration.
struct ServiceNode {
    uint64 next;
    uint64 prev;
    address operator;
    G1Point blsPubkey;
    uint256 addedTimestamp;
    uint256 leaveRequestTimestamp;
    uint256 latestLeaveRequestTimestamp;
    uint256 deposit;
    Contributor[] contributors;
    uint256 ed25519Pubkey;
}

struct SeedServiceNode {
    G1Point blsPubkey;
    uint256 ed25519Pubkey;
    uint256 addedTimestamp;
    Contributor[] contributors;
}

/// What an address has earned in its lifetime, and what of it has been paid.
struct Recipient {
    uint256 rewards;
    uint256 claimed;
}

/// A part of a pooled stake that is kept for an address.
struct ReservedContributor {
    address addr;
    uint256 amount;
}
