//! Values that a property's own rule does not allow, for every property that CPH lists.

use serde_json::json;

use super::Refusal::Entry;
use super::Rows;
use super::bed::Bed;

/// Properties that are 0 or 1, each with something else.
const SWITCHES: &[(&str, &str)] = &[
    ("com.cph.mainkeys", "2"),
    ("com.cph.mainkeys", ""),
    ("com.cph.mainkeys", "-1"),
    ("disable.status.bar", "yes"),
    ("disable.status.bar", "01"),
    ("ro.permission.changed", "on"),
    ("ro.permission.changed", " 1"),
    ("ro.install.auto", "1 "),
    ("ro.install.auto", "True"),
    ("ro.com.cph.non_root", "10"),
    ("ro.com.cph.non_root", "１"),
    ("ro.com.cph.notification_disable", "null"),
    ("ro.com.cph.notification_disable", "0\n"),
    ("ro.com.cph.toast_enable", "+1"),
    ("ro.com.cph.toast_enable", "1.0"),
    ("com.cph.disable_fb_permission", "0x1"),
    ("ro.horizontal.screen", "90"),
    ("ro.horizontal.screen", "landscape"),
    ("ro.com.cph.cloud_app_engine", "enabled"),
    ("hide_navigate", "3"),
];

/// Properties that are text, each with what its rule does not allow.
const TEXTS: &[(&str, &str)] = &[
    ("sys.prop.writephonenum", ""),
    ("sys.prop.writephonenum", "+8613800000000"),
    ("sys.prop.writephonenum", "138 0000 0000"),
    ("sys.prop.writephonenum", "１３８"),
    ("sys.prop.writephonenum", "123456789012345678901"),
    ("phone_num", "none"),
    ("sys.prop.writeimsi", ""),
    ("sys.prop.writeimsi", "46002162461711x"),
    ("sys.prop.writeimsi", "4600216246171134"),
    ("imsi", "4600-2162"),
    ("sys.prop.writewifissid", ""),
    ("sys.prop.writewifissid", "test wifi"),
    ("sys.prop.writewifissid", "test_wifi!"),
    ("sys.prop.writewifissid", "测试"),
    ("wifi_name", "a\tb"),
    ("gsm.sim.operator.iso-country", ""),
    ("gsm.sim.operator.iso-country", "c n"),
    ("gsm.sim.operator.iso-country", "cn1"),
    ("gsm.sim.operator.iso-country", "abcdefghijk"),
    ("sim_country", "cn-zh"),
    ("gsm.sim.operator.numeric", "46O00"),
    ("gsm.sim.operator.numeric", "46000460001"),
    ("sim_number", "-46000"),
    ("gsm.sim.operator.alpha", "CMCC 5G"),
    ("gsm.sim.operator.alpha", "ABCDEFGHIJKLMNOPQRSTU"),
    ("sim_operator", "中国移动"),
    ("gsm.operator.iso-country", "cn;us"),
    ("gsm.operator.iso-country", "ABCDEFGHIJK"),
    ("gsm_country", "c_n"),
    ("gsm.operator.numeric", "46 000"),
    ("gsm.operator.numeric", "12345678901"),
    ("gsm_number", "abc"),
    ("gsm.operator.alpha", "CMCC.5G"),
    ("gsm.operator.alpha", "UTSRQPONMLKJIHGFEDCBA"),
    ("gsm_operator", "1"),
    ("persist.sys.locale", ""),
    ("persist.sys.locale", "zh_CN"),
    ("persist.sys.locale", "zh CN"),
    ("com.cph.bandwidth_limit", "0"),
    ("com.cph.bandwidth_limit", "-2"),
    ("com.cph.bandwidth_limit", "100000000"),
    ("com.cph.bandwidth_limit", "1e3"),
    ("com.cph.bandwidth_limit", "0100"),
    ("com.cph.cam_local_pic_path", ""),
    ("com.cph.cam_local_pic_path", "/sdcard/a'b.png"),
    ("com.cph.cam_local_pic_path", "/sdcard/$HOME.png"),
    ("com.cph.cam_local_pic_path", "/sdcard/カメラ.png"),
    ("com.cph.cg.sign_check_url", "ftp://example.com/"),
    ("com.cph.cg.sign_check_url", "https://example.com/?a=b"),
    ("com.cph.cg.event_notify_url", "example.com"),
    ("com.cph.cg.event_notify_url", "https://example.com/a b"),
    ("com.cph.cg.heartbeat_url", ""),
    ("com.cph.cg.heartbeat_url", "HTTPS://example.com/"),
    ("com.cph.cg.heartbeat_interval", ""),
    ("com.cph.cg.heartbeat_interval", "10s"),
    ("com.cph.cg.heartbeat_interval", "12345678901"),
    ("com.cph.cg.app_port", "9999"),
    ("com.cph.cg.app_port", "11001"),
    ("com.cph.cg.app_port", "http"),
    ("com.cph.cg.h5_port", "09999"),
    ("com.cph.cg.h5_port", "99999999999999999999999"),
    ("com.cph.cg.h5_port", "-10000"),
    ("ro.hardware.gpurenderer", "Mali\nG71"),
    ("ro.board.platform", "麒麟"),
    ("ro.build.product", "STF\u{7f}"),
    ("ro.product.device", "HW\tSTF"),
    ("ro.com.cph.sfs_enable", "é"),
    ("ro.product.manufacturer", "Huawei\u{a0}"),
    ("ro.product.name", "mon\u{200b}box"),
    ("qemu.hw.mainkeys", "one"),
];

/// The longest texts that are allowed, and a character of each.
const LONGEST: &[(&str, char, usize)] = &[
    ("sys.prop.writewifissid", 'w', 64),
    ("persist.sys.locale", 'z', 64),
    ("com.cph.cam_local_pic_path", '图', 90),
    ("ro.hardware.gpurenderer", 'g', 91),
    ("ro.board.platform", 'p', 91),
    ("ro.build.product", 'b', 91),
    ("ro.product.device", 'd', 91),
    ("ro.com.cph.sfs_enable", 's', 91),
    ("ro.product.manufacturer", 'm', 91),
    ("ro.product.name", 'n', 91),
];

/// Adds them.
pub fn add(rows: &mut Rows, bed: &Bed) {
    for (name, value) in SWITCHES.iter().chain(TEXTS) {
        let text = json!({*name: value}).to_string();
        rows.add(format!("{name} = {value:?}"), bed.property(&text), Entry("CPS.0164"));
    }
    for (name, letter, longest) in LONGEST {
        let value = letter.to_string().repeat(longest + 1);
        let text = json!({*name: value}).to_string();
        let rule = format!("{name} of {} characters, {} bytes", longest + 1, value.len());
        rows.add(rule, bed.property(&text), Entry("CPS.0164"));
    }
    for name in
        ["com.cph.cg.sign_check_url", "com.cph.cg.event_notify_url", "com.cph.cg.heartbeat_url"]
    {
        let value = format!("https://{}", "a".repeat(249));
        let text = json!({name: value}).to_string();
        rows.add(format!("{name} of 257 characters"), bed.property(&text), Entry("CPS.0164"));
    }
}
