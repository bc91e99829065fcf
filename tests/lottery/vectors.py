"""The public vectors of VLOT-1.

They were made with a Python reference of 60 lines and replayed by an independent JavaScript program and by openssl;
`test_openssl_gives_the_same_words` repeats the last. Only the standard library is used, because this file also runs
on bare Pythons.
"""

import hashlib

SECRET = hashlib.sha256(b"VLOT-1 public example").digest()
SECRET_HEX = "6c6794eb52fe17e9c31cead60f57f30d6be10eaa8c4cfea7a214e8087fa21b14"
COMMITMENT = "533c93ebdcb7b5a71e4d569e68ae2bab4b20da227753e84d0301fae42ddfaeab"
PARAMS = {
    "arms": ["control", "coach"],
    "method": "blocks",
    "multipliers": [1, 2],
    "ratio": [1, 1],
    "version": "VLOT-1",
}
PARAMS_HASH = "09916b93329184849a01a42c985ca47e679e7e47acee48a9a37acce89e444a6d"
UNITS = [(f"u{number:02}", "south" if number % 3 == 0 else "north") for number in range(1, 13)]
LIST_HASH = "5422e946e4ddcbb5212ac001683c1204607873119dd430b60236b4febba70ea2"
BEACON = "9999:9e9829dfb34bd8db3e21c28e13aefecd86e007ebd19d6bb8a5cee99c0a34798f"
SEED = "e6910826829c551d2bf53cb2307d4af40a899c8ad7e7fe3c3b4880fbc63eb851"
DEMO_WORDS = ["027d23970ded9f7d", "0c614e3a44a55465", "67d9eed725922246", "9996cbe1ef2fadb2"]
BELOW = {
    2: [0, 0, 1, 0, 0, 0, 0, 1],
    3: [2, 1, 0, 1, 0, 2, 2, 1],
    10: [8, 4, 3, 6, 4, 4, 0, 9],
    2**63 + 1: [
        6669845935453370359,
        3422354215130257079,
        4441798373134263454,
        628973278770139634,
        6984692751754014231,
        7365270571351827883,
        5588339626517811295,
        323092774878118905,
    ],
}
SHUFFLED = [3, 1, 5, 2, 6, 0, 9, 8, 7, 4]
ORDER = {
    "north": ["u08", "u02", "u05", "u10", "u01", "u07", "u11", "u04"],
    "south": ["u09", "u03", "u12", "u06"],
}
CONTROL = {
    "blocks": {"u01", "u03", "u04", "u06", "u08", "u10"},
    "complete": {"u05", "u07", "u08", "u09", "u11", "u12"},
}
RESULT_HASH = {
    "blocks": "009028ccf83655c759709d12374518b4f64eae35b4f0616c8d98f7a44937b478",
    "complete": "fdcad85208262ddccbc60de560a17e694e336f1a558f78eb7b56171146545113",
}
