"""
Why a notice may be refused, in both languages.

Placeholders hold numbers, positions, column names and case ids only: the offending value stands beside the sentence, not
in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """The reason for refusing a file, a row or a cell, stable across languages and releases."""

    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    UTF16 = "utf16"
    NUL_BYTE = "nul_byte"
    UNREADABLE_ENCODING = "unreadable_encoding"
    DOUBTFUL_ENCODING = "doubtful_encoding"
    WRONG_SEPARATOR = "wrong_separator"
    MISSING_HEADER = "missing_header"
    DUPLICATE_HEADER = "duplicate_header"
    NO_ROWS = "no_rows"
    BROKEN_QUOTES = "broken_quotes"
    BROKEN_JSON = "broken_json"
    NOT_FINITE = "not_finite"
    TOO_DEEP = "too_deep"
    DUPLICATE_KEY = "duplicate_key"
    WRONG_SHAPE = "wrong_shape"
    RAGGED_ROW = "ragged_row"
    MISSING_VALUE = "missing_value"
    WRONG_TYPE = "wrong_type"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    BAD_CHARACTER = "bad_character"
    BAD_EMPLOYEE_NO = "bad_employee_no"
    BAD_EMAIL = "bad_email"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_TIMEZONE = "unknown_timezone"
    BAD_DATE = "bad_date"
    EXCEL_SERIAL = "excel_serial"
    NO_SUCH_DATE = "no_such_date"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    LAST_DAY_AFTER_END = "last_day_after_end"
    TWO_DATES = "two_dates"
    CONTRADICTING_ROWS = "contradicting_rows"
    LEAVE_IS_NO_DEPARTURE = "leave_is_no_departure"
    DEPARTURE_IS_NO_LEAVE = "departure_is_no_leave"
    WITHDRAWN_IS_NO_DEPARTURE = "withdrawn_is_no_departure"
    OTHER_DATE = "other_date"
    OTHER_KIND = "other_kind"
    NO_KIND = "no_kind"
    KIND_ELSEWHERE = "kind_elsewhere"
    KIND_TWICE = "kind_twice"
    OTHER_PERSON = "other_person"
    CONTINUED_BUT_OPEN = "continued_but_open"


class Remark(StrEnum):
    """What the sender of an accepted notice is told besides."""

    KEPT_AT_ONCE = "kept_at_once"
    CONTINUED = "continued"
    NUMBER_USED_BEFORE = "number_used_before"


class Flaw(Exception):
    """
    What stops a cell, a row or a file from being read; never leaves this package.

    *facts* fill the wording's placeholders.  *row*, *column* and *value* are given where the raiser knows them.
    """

    def __init__(
        self,
        code: Code,
        *,
        row: int | None = None,
        column: str | None = None,
        value: str | None = None,
        **facts: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.row = row
        self.column = column
        self.value = value
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Wording:
    """Reason and remedy as sentences, in English and in Japanese."""

    reason: str
    remedy: str
    reason_ja: str
    remedy_ja: str

    def filled(self, facts: dict[str, object]) -> Wording:
        """Return the sentences with their placeholders filled; raises `KeyError` when a fact is missing."""
        texts = (self.reason, self.remedy, self.reason_ja, self.remedy_ja)
        return Wording(*(text.format_map(facts) for text in texts))


_UTF8 = "Save the file as CSV UTF-8 and send it again."
_UTF8_JA = "「CSV UTF-8」形式で保存し直して、もう一度送ってください。"
_DATE = "Write it as 2026-11-30, 2026/11/30, 2026年11月30日 or 令和8年11月30日."
_DATE_JA = "2026-11-30、2026/11/30、2026年11月30日、令和8年11月30日のいずれかの形で書いてください。"

WORDINGS: dict[Code, Wording] = {
    Code.EMPTY_FILE: Wording(
        "The file is empty.",
        "Send a file with a header line and one row for each person.",
        "ファイルが空です。",
        "見出し行と、一人につき一行を入れたファイルを送ってください。",
    ),
    Code.TOO_LARGE: Wording(
        "The file is larger than {limit} bytes.",
        "Split it and send the parts one after the other.",
        "ファイルが{limit}バイトを超えています。",
        "分割して順に送ってください。",
    ),
    Code.UTF16: Wording(
        "The file is saved as UTF-16 or UTF-32 (called Unicode text by some programs).",
        _UTF8,
        "ファイルがUTF-16またはUTF-32(Unicodeテキスト)で保存されています。",
        _UTF8_JA,
    ),
    Code.NUL_BYTE: Wording(
        "The file holds a NUL byte at offset {offset}: it is damaged, or not a text file.",
        _UTF8,
        "先頭から{offset}バイト目にNULバイトがあります。破損しているか、テキストファイルではありません。",
        _UTF8_JA,
    ),
    Code.UNREADABLE_ENCODING: Wording(
        "The file is not text in {encodings}: the byte at offset {offset} does not belong there.",
        _UTF8,
        "ファイルの文字コードが{encodings}のいずれでもありません({offset}バイト目)。",
        _UTF8_JA,
    ),
    Code.DOUBTFUL_ENCODING: Wording(
        "The file could be read as CP932, but then as names that nobody bears: it is probably in another encoding, "
        "seen first at offset {offset}.",
        _UTF8,
        "CP932として読むと文字化けします({offset}バイト目から)。別の文字コードと思われます。",
        _UTF8_JA,
    ),
    Code.WRONG_SEPARATOR: Wording(
        "The columns are separated by {separator}, not by commas.",
        "Save the file as CSV with commas and send it again.",
        "列の区切りがカンマではなく{separator_ja}です。",
        "カンマ区切りのCSVで保存し直して、もう一度送ってください。",
    ),
    Code.MISSING_HEADER: Wording(
        "The header line lacks {missing}.",
        "Add the column, named in English or Japanese; any order will serve.",
        "見出し行に{missing_ja}がありません。",
        "英語か日本語の名前で列を加えてください。順番は問いません。",
    ),
    Code.DUPLICATE_HEADER: Wording(
        "The header line names {name} twice.",
        "Leave only the column that holds the right values.",
        "見出し行に{name_ja}が二つあります。",
        "正しい値の列だけを残してください。",
    ),
    Code.NO_ROWS: Wording(
        "There is not a single notice in it.",
        "Add one row for each person; if nobody leaves, nothing needs to be sent.",
        "通知が一件も入っていません。",
        "一人につき一行を加えてください。退職者がいなければ送る必要はありません。",
    ),
    Code.BROKEN_QUOTES: Wording(
        "A quotation mark does not close where it should, or a cell is endless, so the rows cannot be told apart from here on.",
        "Close the quotation mark, double those inside a cell, then send the whole file again: none of it was taken.",
        "引用符が閉じていないか、セルが長すぎるため、ここから先の行を区別できません。",
        "引用符を閉じ、セルの中の引用符は二重にして、ファイル全体をもう一度送ってください。一件も受け付けていません。",
    ),
    Code.BROKEN_JSON: Wording(
        "This is not JSON: it breaks in line {line}, character {character}.",
        "Correct it there and send the whole file again: none of it was taken.",
        "JSONとして読めません({line}行目{character}文字目)。",
        "その箇所を直して、全体をもう一度送ってください。一件も受け付けていません。",
    ),
    Code.NOT_FINITE: Wording(
        "NaN and Infinity are not JSON.",
        "Leave the key out, or give a text.",
        "NaNやInfinityはJSONの値ではありません。",
        "その項目を省くか、文字列にしてください。",
    ),
    Code.TOO_DEEP: Wording(
        "Lists and objects are nested deeper than {limit} levels.",
        "Send an object, a list of objects, or one under the key departures.",
        "入れ子が{limit}段を超えています。",
        "オブジェクト、その配列、またはdeparturesの下の配列を送ってください。",
    ),
    Code.DUPLICATE_KEY: Wording(
        "The same key stands twice in one object, and nobody can tell which one holds.",
        "Leave only the right one.",
        "同じキーが一つのオブジェクトに二度あり、どちらが正しいか分かりません。",
        "正しい方だけを残してください。",
    ),
    Code.WRONG_SHAPE: Wording(
        "A notice is an object; this is {found}.",
        "Send an object, a list of objects, or one under the key departures.",
        "通知はオブジェクトでなければなりませんが、{found_ja}です。",
        "オブジェクト、その配列、またはdeparturesの下の配列を送ってください。",
    ),
    Code.RAGGED_ROW: Wording(
        "The row has {found} cells, the header line {expected}.",
        "Put quotation marks around a cell that contains a comma, and give empty cells their commas.",
        "この行は{found}列、見出し行は{expected}列です。",
        "カンマを含むセルは引用符で囲み、空のセルの分のカンマも入れてください。",
    ),
    Code.MISSING_VALUE: Wording(
        "The value is missing.",
        "Fill it in.",
        "値がありません。",
        "値を入れてください。",
    ),
    Code.WRONG_TYPE: Wording(
        "The value must be a string, not {found}.",
        "Write it between quotation marks; numbers too, since leading zeros count.",
        "値の型が違います({found_ja})。",
        "引用符で囲んだ文字列にしてください。先頭のゼロを失わないよう、数字も同じです。",
    ),
    Code.TOO_LONG: Wording(
        "The value is longer than {limit} characters.",
        "Shorten it; perhaps a quotation mark is missing before it.",
        "値が{limit}文字を超えています。",
        "短くしてください。手前で引用符が抜けているかもしれません。",
    ),
    Code.TOO_MANY: Wording(
        "There are more than {limit} {things}.",
        "Leave those that are needed, or split the file.",
        "{things_ja}が{limit}を超えています。",
        "必要なものだけを残すか、ファイルを分割してください。",
    ),
    Code.BAD_CHARACTER: Wording(
        "Character {position} is one that cannot be read or shown (a control character, a private one, a damaged one).",
        "Type the value afresh, with standard characters.",
        "{position}文字目が読み取れない文字です(制御文字、外字、壊れた文字)。",
        "標準の文字で入力し直してください。",
    ),
    Code.BAD_EMPLOYEE_NO: Wording(
        "An employee number has letters, digits, hyphens, dots and slashes only.",
        "Write the number alone, as text: no formula, no space, no exponent.",
        "社員番号に使えるのは文字、数字、ハイフン、ピリオド、スラッシュだけです。",
        "数式や空白、指数表記を使わず、番号だけを文字列で書いてください。",
    ),
    Code.BAD_EMAIL: Wording(
        "This is not a mail address.",
        "Write it as name@company.example, without a display name; separate several by a semicolon.",
        "メールアドレスの形ではありません。",
        "表示名を付けず、name@company.exampleの形で書いてください。複数ある場合はセミコロンで区切ります。",
    ),
    Code.UNKNOWN_KIND: Wording(
        "We do not know this kind of notice.",
        "Use one of: {kinds}.",
        "この区分は登録されていません。",
        "次のいずれかを使ってください: {kinds_ja}。",
    ),
    Code.UNKNOWN_TIMEZONE: Wording(
        "We do not know this time zone.",
        "Use a name of the IANA list, such as Asia/Tokyo, or leave it empty for {default}.",
        "このタイムゾーンは登録されていません。",
        "Asia/TokyoのようなIANAの名前を使うか、空欄({default})にしてください。",
    ),
    Code.BAD_DATE: Wording(
        "We cannot read this as a date without guessing.",
        _DATE,
        "推測せずに日付として読むことができません。",
        _DATE_JA,
    ),
    Code.EXCEL_SERIAL: Wording(
        "This is a spreadsheet's day number, not a date.",
        "Give the column a date format in the spreadsheet, save again, and look at the dates before sending.",
        "日付ではなく、表計算ソフトのシリアル値です。",
        "列の書式を日付にして保存し直し、送る前に日付を確かめてください。",
    ),
    Code.NO_SUCH_DATE: Wording(
        "The calendar has no such day.",
        "Check year, month and day; an era's years end with the era.",
        "暦にない日付です。",
        "年月日を確かめてください。元号の年は改元の日で終わります。",
    ),
    Code.OUT_OF_RANGE: Wording(
        "The year is not between {first} and {last}.",
        "Check the year; a year of two digits is not read.",
        "年が{first}から{last}の範囲にありません。",
        "年を確かめてください。二桁の年は読みません。",
    ),
    Code.BAD_TIME: Wording(
        "The date is followed by something that is not a time of day with an optional zone.",
        "Write it as 2026-11-30 18:00, if need be with an offset: 2026-11-30 18:00+09:00.",
        "日付の後ろが時刻として読めません。",
        "2026-11-30 18:00の形で書いてください。必要なら2026-11-30 18:00+09:00のように時差を付けます。",
    ),
    Code.LAST_DAY_AFTER_END: Wording(
        "The last working instant lies after the end of the employment.",
        "Check both dates; perhaps they are exchanged.",
        "最終出社が退職日より後になっています。",
        "両方の日付を確かめてください。入れ替わっているかもしれません。",
    ),
    Code.TWO_DATES: Wording(
        "The same employee number stands in rows {rows} with different dates.",
        "Leave only the row with the right date; leave and departure of one person go into separate files.",
        "同じ社員番号が{rows}行目にあり、日付が異なります。",
        "正しい日付の行だけを残してください。同じ人の休職と退職は別のファイルにします。",
    ),
    Code.CONTRADICTING_ROWS: Wording(
        "Rows {rows} report the same departure, but differ in {columns}.",
        "Leave only the right row; if they are two people, correct the employee number.",
        "{rows}行目は同じ退職の通知ですが、{columns_ja}が異なります。",
        "正しい行だけを残してください。別人であれば社員番号を直してください。",
    ),
    Code.LEAVE_IS_NO_DEPARTURE: Wording(
        "A leave of absence is not a departure.",
        "Report it with `lastday leave`: access is disabled and given back, nothing is taken apart.",
        "休職は退職ではありません。",
        "`lastday leave` で通知してください。アクセスは停止され、復職時に戻ります。",
    ),
    Code.DEPARTURE_IS_NO_LEAVE: Wording(
        "A departure is not a leave of absence.",
        "Report it with `lastday depart`.",
        "退職は休職ではありません。",
        "`lastday depart` で通知してください。",
    ),
    Code.WITHDRAWN_IS_NO_DEPARTURE: Wording(
        "A withdrawn resignation is not a departure.",
        "Withdraw the open case with `lastday withdraw CASE`.",
        "退職撤回は退職ではありません。",
        "進行中の案件を `lastday withdraw CASE` で取り下げてください。",
    ),
    Code.OTHER_DATE: Wording(
        "{case} is open for this person with another last day.",
        "If the day has moved, run `lastday reschedule {case} --ends-on DATE`.",
        "この人には別の退職日の案件 {case} があります。",
        "退職日の変更であれば `lastday reschedule {case} --ends-on 日付` を実行してください。",
    ),
    Code.OTHER_KIND: Wording(
        "{case} is the same departure, but of another kind.",
        "If access must go now, run `lastday reschedule {case} --now`; otherwise correct the kind.",
        "案件 {case} は同じ退職ですが、区分が異なります。",
        "直ちに停止する場合は `lastday reschedule {case} --now` を実行し、そうでなければ区分を直してください。",
    ),
    Code.NO_KIND: Wording(
        "Nothing says which kind of notice this is: there is no column kind (区分), and none is assumed.",
        "If all of them are of one kind, say it: --kind resignation.  If a column says it under another name, write that name "
        'into policy.toml: [intake] kind_column = "{name}".',
        "通知の区分が分かりません。区分(kind)の列がなく、推測はしません。",
        "すべて同じ区分であれば --kind resignation のように指定してください。別の名前の列にある場合は policy.toml に "
        '[intake] kind_column = "{name}" と書いてください。',
    ),
    Code.KIND_ELSEWHERE: Wording(
        "The column {name} holds kinds of notice, but nothing says that it counts.",
        'If it does, write into policy.toml: [intake] kind_column = "{name}"; if another column does, write that one.  If the '
        "file has none, take this one out and give the kind of all rows: --kind resignation.",
        "列「{name}」に区分の値がありますが、区分の列として登録されていません。",
        'この列が区分であれば policy.toml に [intake] kind_column = "{name}" と書き、別の列であればその名前を書いてください。'
        "区分の列がないファイルであれば、この列を外して --kind resignation のように全行の区分を指定してください。",
    ),
    Code.KIND_TWICE: Wording(
        "The file says the kind of each row itself; --kind is for a file that does not.",
        "Leave --kind out.",
        "区分はファイルの各行にあります。--kind は区分のないファイルのための指定です。",
        "--kind を外してください。",
    ),
    Code.OTHER_PERSON: Wording(
        "{case} has this employee number, but neither its name nor its address is this notice's.",
        "If they are two people, give this one a number of its own.  If it is one person, name the former address under "
        "other_emails, or the former name, so that one of them agrees.  Until then that case does not rely on the number.",
        "案件 {case} が同じ社員番号ですが、氏名もメールアドレスも一致しません。",
        "別人であれば、この人に別の社員番号を付けてください。同じ人であれば、以前のアドレスを その他メール に、または旧姓を "
        "書き、いずれかが一致するようにしてください。それまで案件 {case} は社員番号を根拠にしません。",
    ),
    Code.CONTINUED_BUT_OPEN: Wording(
        "The employment goes on, but {case} is open for this person's departure.",
        "If the person stays, run `lastday withdraw {case}`, or `lastday restore {case}` once it has begun; then send this again.",
        "雇用は継続とのことですが、この人の退職案件 {case} が進行中です。",
        "退職しないのであれば `lastday withdraw {case}` を、停止が始まっていれば `lastday restore {case}` を実行してから再送してください。",
    ),
}

REMARKS: dict[Remark, tuple[str, str]] = {
    Remark.KEPT_AT_ONCE: (
        "{case} is an emergency: it keeps its instant and its kind, whatever the notice says.",
        "案件 {case} は緊急停止です。通知の日付や区分にかかわらず、停止時刻は変わりません。",
    ),
    Remark.CONTINUED: (
        "The employment goes on: recorded and sealed as {case}, and nothing is cut.",
        "雇用は継続します。案件 {case} として記録・封緘し、アクセスは停止しません。",
    ),
    Remark.NUMBER_USED_BEFORE: (
        "{case} was another person's with this number: neither case relies on it any more.",
        "案件 {case} は同じ社員番号の別人のものです。いずれの案件も社員番号を根拠にしません。",
    ),
}
